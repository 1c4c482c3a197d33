"""What the pages of this app share: pages of fifty, downloads, who did what, and amounts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from billing import ledger_words
from common.formatting import day, instant, status_tag
from common.money import is_currency
from common.statuses import Status
from ledger import queries as ledger
from parties.models import Organisation, User
from parties.queries import roles_of
from parties.roles import Role

ROWS_A_PAGE = 50
# Who reads the ledger and the audit trail.
READERS = (Role.OFFICER, Role.FINANCE, Role.INVESTIGATOR, Role.REGULATOR, Role.ADMIN)


def page_of(request: HttpRequest, rows: Any) -> Page[Any]:
    """Return the page of a list that the address asks for, or the nearest there is.

    :param rows: a query set, or anything with a length and parts.
    """
    return Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))


def query_of(request: HttpRequest) -> str:
    """Return the address's query without the page, so that a list keeps its filters."""
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


def tag(status: Status, *, is_staff: bool = False) -> str:
    """Return a status as the tag that the public or the staff reads."""
    label = status.staff_label if is_staff else status.label
    return status_tag(str(label), status.colour)


def figure(label: str) -> dict[str, Any]:
    """Return a table's column of figures."""
    return {"label": label, "numeric": True}


def sentence_cell(text: str) -> str:
    """Return words for a table's cell, wide enough to be read; a dash where there are none."""
    return format_html('<span class="app-sentence">{}</span>', text) if text else "–"


def unit_words(unit: str) -> str:
    """Return the name of a unit for the head of a column."""
    return unit if is_currency(unit) else _("GPU-hours")


def is_reader(person: User) -> bool:
    """Say whether a person may read the ledger and the audit trail."""
    return bool(roles_of(person) & set(READERS))


def days_words(first: date, last: date) -> str:
    """Return a range of days, both included."""
    return format_html(_("{first} to {last}"), first=day(first), last=day(last))


def by_words(at: datetime, name: str, zone: str = "UTC") -> str:
    """Return when something was done and by whom."""
    return format_html(_("{at} by {name}"), at=instant(at, zone), name=name)


# --- who did what ----------------------------------------------------------------------------


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Return whom addresses of actors name: people, providers, and the portal itself."""
    actors = set(actors)
    named = {"system": _("The portal itself")}
    people = [int(actor[5:]) for actor in actors if actor.startswith("user:")]
    for person in User.objects.filter(pk__in=people):
        named[person.address] = person.name
    codes = [actor.partition(":")[2] for actor in actors if actor.startswith("provider:")]
    for organisation in Organisation.objects.filter(code__in=codes):
        named[f"provider:{organisation.code}"] = organisation.name_here
    return {actor: named.get(actor, actor) for actor in actors}


def act_words(kind: str) -> str:
    """Return what an act is called."""
    return str(ledger_words.ACT.get(kind, kind))


def timeline(acts: Iterable[Any], *, leads_on: bool) -> list[dict[str, Any]]:
    """Return acts as events, newest first; who reads the ledger is led on to each."""
    found = sorted(acts, key=lambda act: (act.at, act.id), reverse=True)
    names = names_of(act.actor for act in found)
    return [
        {
            "title": act_words(act.kind),
            "at": act.at,
            "by": names[act.actor],
            "body": act.reason,
            "url": reverse("ledger_act", args=[act.id]) if leads_on else "",
        }
        for act in found
    ]


def acts_of(about: str, *more: int | None) -> list[Any]:
    """Return what was done about a thing, and the acts that made it or its parts."""
    acts = {act.id: act for act in ledger.acts_about(about)}
    missing = [number for number in more if number is not None and number not in acts]
    return [*acts.values(), *ledger.acts_found("").filter(pk__in=missing)]


def table(
    caption: str, columns: Sequence[Any], rows: Sequence[Any], empty: str = ""
) -> Mapping[str, Any]:
    """Return a table as the templates of this app show it."""
    return {"caption": caption, "columns": columns, "rows": rows, "empty": empty}
