"""The entry of bulk issuing: a round's vouchers by the action, beside COPY of the same rows."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from django.conf import settings
from django.db import connections

from bench.billing_entries.copies import copy_rows, write_rows
from bench.ground import Database, Ground
from bench.registry import Pair, Sample, entry
from parties.models import User
from tests import cast
from vouchers import actions
from vouchers.models import Round

VOUCHERS = 100_000
# In the order in which they may be copied: what is named comes before what names it.
WRITTEN = (
    "ledger_account",
    "ledger_balance",
    "ledger_transfer",
    "vouchers_voucher",
)

# One approved application of each of many firms, as a round that has been decided leaves them.
_FILL = """
    insert into parties_organisation
        select (jsonb_populate_record(o, jsonb_build_object('id', o.id + n, 'code', 'B-' || n,
            'name', 'Firm ' || n, 'identifier', 'B' || lpad(n::text, 17, '0')))).*
        from parties_organisation o, generate_series(1, {count}) n where o.id = {organisation};
    insert into vouchers_application
        select (jsonb_populate_record(a, jsonb_build_object('id', a.id + n, 'reference', 'B-' || n,
            'organisation_id', a.organisation_id + n))).*
        from vouchers_application a, generate_series(1, {count}) n where a.id = {application};
    insert into vouchers_decision
        select (jsonb_populate_record(d, jsonb_build_object('id', d.id + n,
            'application_id', d.application_id + n))).*
        from vouchers_decision d, generate_series(1, {count}) n where d.id = {decision};
"""


@entry(
    must=0.3,
    aim=0.6,
    unit="vouchers/s",
    rows=VOUCHERS,
    subject="issue_vouchers of a round of 100,000 awards: checked, coded, taken from the budget",
    reference="COPY of the same finished rows into the vouchers' table and the ledger's three, "
    "with all that constrains them, to the commit",
)
def issue_bulk_vs_copy(ground: Ground) -> Iterator[Pair]:
    """Issue a whole round, beside writing down what that gave."""
    count = ground.pick(VOUCHERS, 500)
    with ExitStack() as scene:
        decided = scene.enter_context(ground.database())
        round_pk, officer = _set_scene(decided, count)
        folder = Path(scene.enter_context(TemporaryDirectory(dir=settings.VAR_DIR)))
        issued = scene.enter_context(ground.database(template=decided))
        _issue(round_pk, officer, count)
        for table in WRITTEN:
            order = "account_id" if table == "ledger_balance" else "id"
            write_rows(issued, table, order, folder / table)
        yield Pair(
            lambda: _issued(ground, decided, round_pk, officer, count),
            lambda: _copied(ground, issued, folder, count),
        )


def _set_scene(database: Database, count: int) -> tuple[int, int]:
    """Decide one application by the actions and multiply it; return the round and an officer."""
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, cast.M3, budget=10**15)
    decision = cast.an_approved_application(scheme, cast.an_sme())
    application = decision.application
    with psycopg.connect(database.superuser_url) as session:
        session.execute("set local session_replication_role = replica")
        session.execute(
            _FILL.format(
                count=count - 1,
                organisation=application.organisation_id,
                application=application.pk,
                decision=decision.pk,
            )
        )
    with psycopg.connect(database.superuser_url, autocommit=True) as session:
        session.execute("vacuum analyze")
    return scheme.round.pk, authority.second_officer.pk


def _issue(round_pk: int, officer: int, count: int) -> float:
    found = Round.objects.select_related("programme__authority").get(pk=round_pk)
    person = User.objects.get(pk=officer)
    start = time.perf_counter()
    issued = actions.issue_vouchers(round=found, actor=person, at=cast.NOON, key="all")
    seconds = time.perf_counter() - start
    connections.close_all()
    if (issued.vouchers, issued.left_out) != (count, ()):
        raise RuntimeError(f"Of {count} awards these were issued: {issued.vouchers}")
    return seconds


def _issued(
    ground: Ground, decided: Database, round_pk: int, officer: int, count: int
) -> Sample:
    with ground.database(template=decided):
        ground.settle()
        seconds = _issue(round_pk, officer, count)
    return Sample(round(count / seconds, 3), {"seconds": round(seconds, 3)})


def _copied(ground: Ground, issued: Database, folder: Path, count: int) -> Sample:
    """Copy what was issued into a database from which it was taken away."""
    with ground.database(template=issued) as copy:
        with psycopg.connect(copy.superuser_url) as session:
            session.execute("set local session_replication_role = replica")
            for table in WRITTEN:
                session.execute(f"truncate {table} cascade")
        ground.settle()
        seconds = sum(copy_rows(copy, table, folder / table) for table in WRITTEN)
    return Sample(round(count / seconds, 3), {"seconds": round(seconds, 3)})
