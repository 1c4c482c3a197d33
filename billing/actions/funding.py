"""Who bears what of a settlement: shares by the law, and what each payer owes for them."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.models import Bill, Funder, FunderShare, Settlement
from billing.queries.funding import borne, payer_account, payers_of
from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.actions import Act, Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties.models import Organisation, User
from parties.queries import require_role
from parties.roles import OrganisationKind, Role
from policy.funding import among_first, split
from policy.rules import Payee
from policy.rules import Programme as Policy
from vouchers.models import Programme
from vouchers.queries import policy_in_force, read_policy

# Where what a law covers is owed, by whom it pays; nobody is owed hours in kind.
PAYABLES: dict[Payee, tuple[str, AccountKind]] = {
    "PROVIDER": ("provider_payable", AccountKind.PROVIDER_PAYABLE),
    "BENEFICIARY": ("beneficiary_payable", AccountKind.BENEFICIARY_PAYABLE),
}


class FunderUnknown(Refused):
    """The law in force names no such funder."""

    code = "funder_unknown"
    sentence = _(
        "The policy of %(programme)s in force names no funder “%(name)s”. Choose one that it "
        "names, or release a policy that names it."
    )


class PayerNotAuthority(Refused):
    """Only an authority pays public money."""

    code = "payer_not_authority"
    sentence = _(
        "%(organisation)s is no authority, so it can't pay a funder's part. Choose an authority."
    )


@transaction.atomic
def name_funder(
    *,
    programme: Programme,
    name: str,
    payer: Organisation,
    actor: User,
    at: datetime,
    key: str,
) -> Funder:
    """Say which organisation pays the part of a funder whom the law names, from now on.

    What was settled before stays with whom it was settled for. Where nobody is named, the
    programme's authority pays. Both must want it, so a person names it who is a finance officer of
    the programme's authority and of the payer.

    :raises NotAllowed: if the person is no finance officer of the programme, or of the payer.
    :raises FunderUnknown: if the law in force names no such funder.
    :raises PayerNotAuthority: if the organisation is no authority.
    :raises KeyReused: if the key was used for something else.
    """
    require_role(
        actor, Role.FINANCE, organisation=programme.authority, programme_code=programme.code
    )
    if payer.kind == OrganisationKind.AUTHORITY:
        require_role(actor, Role.FINANCE, organisation=payer)
    act = begin(
        kind=ActKind.NAME_FUNDER,
        key=key,
        actor=actor.address,
        about=f"programme:{programme.code}",
        at=at,
        payload={"name": name, "payer": payer.code},
        details={"name": name, "payer": payer.code},
    )
    if act.is_replay:
        return Funder.objects.get(act_id=act.id)
    _version, rules = policy_in_force(programme, day_of(at, programme.zone))
    if name not in [funder.name for funder in rules.funders]:
        raise FunderUnknown(programme=programme.title_here, name=name)
    if payer.kind != OrganisationKind.AUTHORITY:
        raise PayerNotAuthority(organisation=payer.name_here)
    return Funder.objects.create(
        programme=programme,
        name=name,
        payer=payer,
        named_by=actor,
        named_at=at,
        act_id=act.id,
    )


def share_out(bill: Bill, settlements: Sequence[tuple[Settlement, Policy]], act: Act) -> None:
    """Write who bears what of settlements, each split once by the law that it was settled by.

    What another payer than the programme's authority bears goes on from the party's payable to
    what that payer owes it. Hours in kind are shared and owed by nobody.
    """
    payers = payers_of(bill.programme)
    shares = [
        FunderShare(
            settlement=settlement,
            name=name,
            payer=payers.get(name, bill.programme.authority),
            amount=part,
            act_id=act.id,
        )
        for settlement, rules in settlements
        for name, part in split(settlement.covered, rules)
        if part
    ]
    FunderShare.objects.bulk_create(shares)
    kinds = {rules.payee for _settlement, rules in settlements}
    for payee in sorted(kinds & set(PAYABLES)):
        of_payee = {one.pk for one, rules in settlements if rules.payee == payee}
        _apportion(bill, [one for one in shares if one.settlement_id in of_payee], payee, act)


def _apportion(bill: Bill, shares: Sequence[FunderShare], payee: Payee, act: Act) -> None:
    """Move what others than the authority bear; what is below 0 comes back from them."""
    name, kind = PAYABLES[payee]
    programme = bill.programme
    common = programme.account(name, bill.payee.code)
    moves = []
    for one in shares:
        own = payer_account(programme, name, one.payer, bill.payee)
        if own != common:
            debit, credit = (common, own) if one.amount > 0 else (own, common)
            ref = ref_of(one.settlement)
            moves.append(Move(Flow.APPORTION, debit, credit, abs(one.amount), ref))
    addresses = sorted({move.credit for move in moves} - {common})
    ledger.open_accounts(act, addresses, kind, bill.unit)
    ledger.post(act, moves)


def ref_of(settlement: Settlement) -> str:
    """Return what a settlement's moves among payers are known by."""
    return settlement.order.code if settlement.order else settlement.bill.number


def take_back_shares(settlement: Settlement, amount: int, act: Act) -> None:
    """Undo what funders bear of an amount of a settlement, in minor units, before it goes back.

    Each gives back its part, the parts adding up to the amount exactly; all of a settlement gives
    back all of each. What other payers owe goes back to the party's common payable.

    :raises NotEnough: if a payer's part was sent to the bank already; nothing is undone.
    """
    left = borne(settlement)
    parts = among_first(amount, [one.amount for one in left])
    back = [
        FunderShare(
            settlement=settlement, name=one.name, payer=one.payer, amount=-part, act_id=act.id
        )
        for one, part in zip(left, parts, strict=True)
        if part
    ]
    FunderShare.objects.bulk_create(back)
    payee = read_policy(settlement.policy_version.text).payee
    if payee in PAYABLES:
        _apportion(settlement.bill, back, payee, act)
