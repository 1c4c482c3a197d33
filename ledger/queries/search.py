"""Search of the ledger: acts by what they are, whose, about what, when, and what they moved."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger.models import Act, Transfer


@dataclass(frozen=True, slots=True)
class Search:
    """What acts are looked for by; an empty field asks for nothing.

    `words` stand in the reason, the subject or the kind; `address` is of an account that was
    moved on, or its beginning; `amounts` are what a transfer may be of, in smallest parts;
    `since` and `until` bound the acts' own time, the second left out.
    """

    words: str = ""
    kind: str = ""
    actor: str = ""
    about: str = ""
    address: str = ""
    ref: str = ""
    amounts: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


def acts_matching(search: Search) -> QuerySet[Act]:
    """Return the acts that fit all that is asked for, newest first; seals are left out."""
    found = Act.objects.exclude(kind="seal").order_by("-at", "-id")
    if search.words:
        words = search.words
        found = found.filter(
            Q(reason__icontains=words)
            | Q(about__icontains=words)
            | Q(kind__icontains=words)
            | Q(actor=words)
        )
    exact = {"kind": search.kind, "actor": search.actor, "about": search.about}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if search.since is not None:
        found = found.filter(at__gte=search.since)
    if search.until is not None:
        found = found.filter(at__lt=search.until)
    moved = Transfer.objects.filter(act=OuterRef("pk"))
    if search.address:
        begins = search.address
        side = Q(debit__address__startswith=begins) | Q(credit__address__startswith=begins)
        moved = moved.filter(side)
    if search.ref:
        moved = moved.filter(ref=search.ref)
    if search.amounts:
        moved = moved.filter(amount__in=search.amounts)
    if search.address or search.ref or search.amounts:
        found = found.filter(Exists(moved))
    return found


def older_than(found: QuerySet[Act], at: datetime, number: int) -> QuerySet[Act]:
    """Return the acts after one in a list that is newest first: the next page, by its key."""
    return found.filter(Q(at__lt=at) | Q(at=at, id__lt=number))
