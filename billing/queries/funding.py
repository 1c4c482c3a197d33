"""What each funder bears of a programme, and what each payer owes and has paid for them."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Min, Q, QuerySet, Sum

from billing.models import Batch, Funder, FunderShare, Settlement
from common.errors import NotFound
from ledger import queries as ledger
from ledger.kinds import AccountKind
from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from vouchers.models import Programme
from vouchers.queries import programme_scope

_OWED = [
    one.value
    for one in (
        AccountKind.PROVIDER_PAYABLE,
        AccountKind.BENEFICIARY_PAYABLE,
        AccountKind.CLEARING,
        AccountKind.PAID,
    )
]
_PAYERS_STAFF = (Role.FINANCE, Role.OFFICER, Role.REGULATOR, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class PayerFigures:
    """What one payer bears of what was settled, and where it is, in the programme's unit.

    `due` is owed and in no file to the bank, `at_bank` sent and not answered.
    """

    payer: Organisation
    funders: tuple[tuple[str, int], ...]
    due: int
    at_bank: int
    paid: int

    @property
    def bears(self) -> int:
        """What its funders bear of all settlements, less what was taken back of them."""
        return sum(amount for _name, amount in self.funders)

    @property
    def other(self) -> int:
        """What was neither paid nor is owed: set off against what a party owed, or paid back."""
        return self.bears - self.due - self.at_bank - self.paid


class Borne(NamedTuple):
    """What one funder bears of a settlement, and who pays it, in the programme's unit."""

    name: str
    payer: Organisation
    amount: int


def payers_of(programme: Programme) -> dict[str, Organisation]:
    """Return who pays each funder's part, by the funder's name; the newest naming counts."""
    named = Funder.objects.filter(programme=programme).select_related("payer").order_by("pk")
    return {one.name: one.payer for one in named}


def payer_account(
    programme: Programme, kind: str, payer: Organisation, payee: Organisation
) -> str:
    """Return the address of what one payer owes, or paid, a party.

    The programme's own authority has the party's plain address; what another payer owes has the
    payer's code before the party's.
    """
    if payer.pk == programme.authority_id:
        return programme.account(kind, payee.code)
    return programme.account(kind, payer.code, payee.code)


def payer_code(address: str, programme: Programme) -> str:
    """Return the code of the payer in the address of a payable; the authority has none there."""
    parts = address.split(":")
    return parts[2] if len(parts) > 3 else programme.authority.code


def borne(settlement: Settlement) -> list[Borne]:
    """Return what each funder bears of a settlement now, less what was taken back of it."""
    found = (
        FunderShare.objects.filter(settlement=settlement)
        .values("name", "payer")
        .annotate(left=Sum("amount"), first=Min("pk"))
        .filter(left__gt=0)
        .order_by("first")
    )
    payers = Organisation.objects.in_bulk({one["payer"] for one in found})
    return [Borne(one["name"], payers[one["payer"]], one["left"]) for one in found]


def shares_of(programme: Programme) -> QuerySet[FunderShare]:
    """Return what funders bear of the settlements of a programme, oldest first."""
    return (
        FunderShare.objects.filter(settlement__bill__programme=programme)
        .select_related(
            "payer", "act", "settlement__bill", "settlement__voucher", "settlement__order"
        )
        .order_by("pk")
    )


def namings_of(programme: Programme) -> QuerySet[Funder]:
    """Return who was named to pay which funder's part, newest first."""
    found = Funder.objects.filter(programme=programme).select_related("payer", "named_by")
    return found.order_by("-pk")


def programme_funded(person: User, code: str) -> Programme:
    """Return a programme whose funders a person may see: its staff, and those of its payers.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    paid_for = Funder.objects.filter(payer__in=organisations_of(person, *_PAYERS_STAFF))
    found = (
        Programme.objects.filter(
            programme_scope(person, "") | Q(pk__in=paid_for.values("programme"))
        )
        .filter(code=code)
        .select_related("authority")
        .first()
    )
    if found is None:
        raise NotFound(what=code)
    return found


def payer_figures(programme: Programme) -> list[PayerFigures]:
    """Return what each payer of a programme bears, owes and has paid, by the payer's name.

    What is due and paid is the ledger's; hours in kind are borne and owed by nobody.
    """
    borne_by: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    sums = (
        FunderShare.objects.filter(settlement__bill__programme=programme)
        .values_list("payer", "name")
        .annotate(total=Sum("amount"), first=Min("pk"))
        .order_by("first")
    )
    for payer, name, total, _first in sums:
        borne_by[payer].append((name, total))
    where = _where(programme)
    payers = Organisation.objects.filter(Q(pk__in=borne_by) | Q(code__in=where))
    return [
        PayerFigures(
            payer,
            tuple(borne_by[payer.pk]),
            due=where[payer.code]["payable"],
            at_bank=where[payer.code]["clearing"],
            paid=where[payer.code]["paid"],
        )
        for payer in payers.order_by("name", "pk")
    ]


def _where(programme: Programme) -> defaultdict[str, Counter[str]]:
    """Return the ledger's sums by the payer's code: payable, clearing and paid."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    batches = dict(Batch.objects.filter(programme=programme).values_list("code", "payer__code"))
    accounts = ledger.accounts_found(f":{programme.code}:").filter(kind__in=_OWED)
    for address, balance in ledger.balances(one.address for one in accounts).items():
        kind, _code, *rest = address.split(":")
        if kind == "clearing":
            payer = batches.get(rest[0]) or programme.authority.code
        else:
            payer = payer_code(address, programme)
        found[payer][kind.rpartition("_")[2]] += balance.net
    return found
