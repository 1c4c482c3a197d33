"""What each funder bears of a programme, and what each payer owes and has paid for them."""

from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Min, QuerySet, Sum

from billing.models import Funder, FunderShare, Settlement
from parties.models import Organisation
from vouchers.models import Programme


@dataclass(frozen=True, slots=True)
class PayerFigures:
    """What one payer bears of what was settled, and where it is, in the programme's unit.

    `bears` is `due` (owed and in no file to the bank), `at_bank` (sent and not answered) and
    `paid` together; what recoveries took of payables is not in them.
    """

    payer: Organisation
    funders: tuple[tuple[str, int], ...]
    bears: int
    due: int
    at_bank: int
    paid: int


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
