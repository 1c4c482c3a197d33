"""Seeded defects: one of the ledger's safeguards taken out of a run's own database.

Each is cut out of the text of the functions as they are in the database, so that it fits whatever
they look like by now; a text that is not found stops the run.
"""

import re
from dataclasses import dataclass

import psycopg

from config.roles import libpq_url


@dataclass(frozen=True, slots=True)
class Surgery:
    """What is found in the ledger's functions, and what is put in its place."""

    pattern: str
    replacement: str
    # Only functions with this text are touched.
    within: str = ""


CHECK = "check"
SURGERIES = {
    # Captures of one hold no longer wait for each other.
    "lock": Surgery(
        r"(\bfrom\s+ledger_hold\b[^;]*?)\s+for\s+(?:no\s+key\s+)?update(?:\s+of\s+\w+)?", r"\1"
    ),
    # Debits of one payable no longer wait for each other.
    "queue": Surgery(r"perform pg_advisory_xact_lock\([^;]*\);", "null;"),
    # Each request has a key of its own, whatever key it was asked with.
    "key": Surgery(
        r"(?m)\A(.*?\bp_key\b.*?^\s*begin)$",
        r"\1 p_key := p_key || '#' || gen_random_uuid();",
        within="into ledger_key",
    ),
}
DEFECTS = (CHECK, *SURGERIES)

_FUNCTIONS = """
    select pg_get_functiondef(oid) from pg_proc
    where pronamespace = 'public'::regnamespace and proname like 'ledger\\_%' and prokind = 'f'
    order by proname
"""


class NothingToBreak(Exception):
    """The safeguard is not where it was looked for."""


def apply(defect: str, owner_url: str) -> list[str]:
    """Take a safeguard out, as the owner; return what was changed.

    :raises NothingToBreak: if the database has no such text.
    """
    with psycopg.connect(libpq_url(owner_url)) as connection:
        if defect == CHECK:
            name = "ledger_balance_not_below_zero"
            connection.execute(f"alter table ledger_balance drop constraint {name}")
            return [name]
        surgery = SURGERIES[defect]
        changed = []
        for (text,) in connection.execute(_FUNCTIONS).fetchall():
            if surgery.within not in text:
                continue
            broken, count = re.subn(surgery.pattern, surgery.replacement, text, flags=re.S)
            if count:
                connection.execute(broken)
                changed.append(text.split("(")[0].split(".")[-1])
        if not changed:
            raise NothingToBreak(f"No function has what the defect {defect} takes out.")
        return changed
