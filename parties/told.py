"""How what registers said of an organisation is told on pages: fact by fact, source, time."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common.formatting import day, instant, money, percent
from parties.kinds import Control, Register
from parties.models import Organisation, RegisterAnswer
from parties.queries import newest_answers
from parties.registers import (
    AidFacts,
    BusinessFacts,
    ConductFacts,
    Identifier,
    OwnershipFacts,
    facts_from,
    is_connected,
)
from parties.undertakings import organisations_by

_SHOWN_MOST = 20


def registers_told(
    organisation: Organisation, at: datetime, zone: str = "UTC"
) -> dict[str, Any]:
    """Return a table of the newest answers about an organisation, for the tag `table`.

    Without any answer it has no rows; a register that gave none, beside others that did, has
    a row that says so: what it would tell is not known.
    """
    found = newest_answers([organisation.pk], at=at)
    rows: list[list[Any]] = []
    for register in Register if found else ():
        answer = found.get((organisation.pk, register))
        if answer is None:
            rows.append([register.label, _unanswered(register), "", ""])
            continue
        asked = instant(answer.asked_at, zone)
        rows += [[name, value, answer.source, asked] for name, value in _facts(answer)]
    return {
        "caption": _("What registers say of %(organisation)s")
        % {"organisation": organisation.name_here},
        "columns": [_("Fact"), _("Answer"), _("Source"), _("Asked on")],
        "rows": rows,
    }


def _unanswered(register: Register) -> str:
    if is_connected(register):
        return _("Not known: it gave no answer")
    return _("Not known: this register is not connected")


def _facts(answer: RegisterAnswer) -> Iterator[tuple[Any, Any]]:
    register = Register(answer.register)
    facts = facts_from(register, answer.content)
    if isinstance(facts, BusinessFacts):
        found = list(_business(facts))
        yield from found or [(register.label, _("It has nothing on this organisation"))]
    elif isinstance(facts, ConductFacts):
        yield from _listed(
            _("Findings of conduct"),
            [format_html("{}, {}", one.kind, day(one.day)) for one in facts.findings],
        )
    elif isinstance(facts, OwnershipFacts):
        yield from _listed(_("Ownership links"), _links(facts))
    elif isinstance(facts, AidFacts):
        yield from _listed(
            _("Other aid"),
            [
                format_html(
                    "{}: {}, {}",
                    one.programme or one.grantor,
                    money(one.amount, one.currency),
                    day(one.granted_on),
                )
                for one in facts.aid
            ],
        )


def _listed(name: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    """Give each line a row of its own, the first under the name; nothing is said to be none."""
    if not lines:
        yield name, _("None")
    for line in lines[:_SHOWN_MOST]:
        yield name, line
    if (more := len(lines) - _SHOWN_MOST) > 0:
        yield name, _("and %(count)s more") % {"count": more}


_BUSINESS = {
    "employees": gettext_lazy("Employees"),
    "revenue": gettext_lazy("Yearly revenue"),
    "assets": gettext_lazy("Total assets"),
    "founded_on": gettext_lazy("Founded"),
    "industry": gettext_lazy("Industry"),
    "region": gettext_lazy("Where registered"),
    "tax_region": gettext_lazy("Where it pays taxes"),
    "insurance_region": gettext_lazy("Where it pays social insurance"),
    "qualifications": gettext_lazy("Recognised as"),
    "credit_rating": gettext_lazy("Credit rating"),
    "tax_debt": gettext_lazy("Tax debt"),
}


def _business(facts: BusinessFacts) -> Iterator[tuple[Any, Any]]:
    for name, label in _BUSINESS.items():
        value = getattr(facts, name)
        if value is None:
            continue
        if name in ("revenue", "assets"):
            value = money(value, facts.currency or "")
        elif name == "founded_on":
            value = day(value)
        elif name == "qualifications":
            value = ", ".join(value) or _("None")
        elif name == "tax_debt":
            value = _("Yes") if value else _("No")
        yield label, value


def _links(facts: OwnershipFacts) -> list[str]:
    ends = {end for link in facts.links for end in (link.owner, link.owned)}
    names = {number: one.name_here for number, one in organisations_by(ends).items()}

    def named(number: Identifier) -> str:
        return names.get(number, str(number))

    return [
        _("%(owner)s: %(share)s of %(owned)s (%(control)s)")
        % {
            "owner": named(link.owner),
            "owned": named(link.owned),
            "share": percent(Decimal(link.share)),
            "control": Control(link.control).label,
        }
        for link in facts.links
    ]
