"""What was metered month by month, for those who oversee programmes, and how fresh that is.

It is read from the sums that the trigger of usage lines keeps (docs/decisions/0022): thousands
of rows instead of millions, written with the lines themselves and so never behind them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Max, Q, QuerySet, Sum

from billing.models import UsageSum
from common.languages import in_language
from parties.models import User
from parties.queries import roles_of
from parties.roles import Role
from vouchers.queries import programme_scope

# Who may see what a whole month comes to.
READERS = (Role.REGULATOR, Role.OFFICER, Role.FINANCE)


class Asked(NamedTuple):
    """Which months are asked for; what is empty asks for all. Months are their first days."""

    programme: str = ""
    provider: str = ""
    resource_class: str = ""
    since: date | None = None
    until: date | None = None


EVERYTHING = Asked()


@dataclass(frozen=True, slots=True)
class MonthOfUse:
    """What one provider's lines of one class come to in a month of a programme.

    `month` is its first day, in the programme's time zone; `quantity_ms` is in resource-
    milliseconds, `amount` in the minor units of `unit`, or GPU-ms in kind.
    """

    month: date
    programme: str
    programme_title: str
    programme_title_zh: str
    unit: str
    provider: str
    provider_name: str
    provider_name_zh: str
    resource: str
    resource_class: str
    lines: int
    quantity_ms: int
    amount: int

    @property
    def programme_here(self) -> str:
        """The programme's title in the language that is spoken here and now."""
        return in_language(self.programme_title, self.programme_title_zh)

    @property
    def provider_here(self) -> str:
        """The provider's name in the language that is spoken here and now."""
        return in_language(self.provider_name, self.provider_name_zh)


class Total(NamedTuple):
    """What all that was asked for comes to in one unit and resource."""

    unit: str
    resource: str
    lines: int
    quantity_ms: int
    amount: int


class Freshness(NamedTuple):
    """Of how many lines figures are, and when the newest of them was recorded."""

    lines: int
    newest_at: datetime


class Choices(NamedTuple):
    """What may be asked for: codes with their names, classes, and months newest first."""

    programmes: list[tuple[str, str]]
    providers: list[tuple[str, str]]
    classes: list[str]
    months: list[date]


def may_see_months(person: User) -> bool:
    """Say whether a person may see what whole months come to."""
    return bool(roles_of(person) & set(READERS))


def _sums(person: User) -> QuerySet[UsageSum]:
    path = "voucher__programme"
    if Role.REGULATOR in roles_of(person):
        return UsageSum.objects.all()
    return UsageSum.objects.filter(
        programme_scope(person, path, roles=(Role.OFFICER, Role.FINANCE))
    )


def _asked(person: User, asked: Asked) -> QuerySet[UsageSum]:
    wanted = {
        "voucher__programme__code": asked.programme,
        "provider__organisation__code": asked.provider,
        "resource_class": asked.resource_class,
        "month__gte": asked.since,
        "month__lte": asked.until,
    }
    return _sums(person).filter(Q(**{name: value for name, value in wanted.items() if value}))


def months_of_use(person: User, asked: Asked = EVERYTHING) -> list[MonthOfUse]:
    """Return what a person may see of what months come to, newest first, one a class."""
    names = (
        "month",
        "voucher__programme__code",
        "voucher__programme__title",
        "voucher__programme__title_zh",
        "voucher__programme__unit",
        "provider__organisation__code",
        "provider__organisation__name",
        "provider__organisation__name_zh",
        "resource",
        "resource_class",
    )
    found = (
        _asked(person, asked)
        .values_list(*names)
        .annotate(n=Sum("lines"), ms=Sum("quantity_ms"), paid=Sum("amount"))
        .order_by("-month", *names[1:])
    )
    return [MonthOfUse(*row[:10], *map(int, row[10:])) for row in found]


def totals_of(months: list[MonthOfUse]) -> list[Total]:
    """Return what months come to, one for each unit and resource, in their order."""
    totals: dict[tuple[str, str], Total] = {}
    for one in months:
        key = (one.unit, one.resource)
        so_far = totals.get(key, Total(*key, 0, 0, 0))
        totals[key] = Total(
            *key,
            so_far.lines + one.lines,
            so_far.quantity_ms + one.quantity_ms,
            so_far.amount + one.amount,
        )
    return [totals[key] for key in sorted(totals)]


def freshness_of(person: User, asked: Asked = EVERYTHING) -> Freshness | None:
    """Return of how many lines the figures are, and how new; None if there is no line."""
    found = _asked(person, asked).aggregate(lines=Sum("lines"), newest=Max("recorded_at"))
    if found["newest"] is None:
        return None
    return Freshness(int(found["lines"]), found["newest"])


def choices_of(person: User) -> Choices:
    """Return what a person may ask for: only what there is a figure of."""
    sums = _sums(person)

    programme, organisation = "voucher__programme__", "provider__organisation__"
    titles = [f"{programme}{name}" for name in ("code", "title", "title_zh")]
    named = [f"{organisation}{name}" for name in ("code", "name", "name_zh")]
    classes = sums.exclude(resource_class="").order_by("resource_class")
    months = sums.order_by("-month").values_list("month", flat=True)
    return Choices(
        _in_language(sums.order_by(titles[0]).values_list(*titles).distinct()),
        _in_language(sums.order_by(named[0]).values_list(*named).distinct()),
        list(classes.values_list("resource_class", flat=True).distinct()),
        list(months.distinct()),
    )


def _in_language(rows: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(code, in_language(en, zh)) for code, en, zh in rows]
