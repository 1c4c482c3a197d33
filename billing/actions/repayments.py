"""An entry of the bank that is the repayment of a recovery: whether it fits, and what it does."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.actions.bank import accounts_of
from billing.actions.collections import propose_collection, record_collection
from billing.models import BankLine, BankStatement, Collection, CollectionProposal, Recovery
from billing.queries.recoveries import parts_of
from common.errors import Refused
from parties.models import User
from parties.queries import require_role
from parties.roles import Role


class RepaymentUnfit(Refused):
    """An entry that can't be the repayment of a case, or no case."""

    code = "repayment_unfit"
    sentence = _(
        "Entry %(position)s can't be a repayment of case %(case)s. It must be money that came in, "
        "in the case's currency, to the account that paid, matched to nothing and used for no "
        "other repayment; and something of the case must be owed. Name another case."
    )


class RepaymentStands(Refused):
    """An entry that has paid back what was owed."""

    code = "repayment_stands"
    sentence = _(
        "Entry %(position)s has paid back case %(case)s, so this can't be undone. What was too "
        "much is due to the debtor again; open a new case for what was taken by mistake."
    )


def fit_case(line: BankLine, case: Recovery | None, actor: User) -> Recovery:
    """Return a case if an entry can be its repayment.

    :raises NotAllowed: if the person is no finance officer of its programme.
    :raises RepaymentUnfit: if direction, currency, account, or what was said before speak against
        it.
    """
    if case is None:
        raise RepaymentUnfit(position=line.position, case="–")
    case = Recovery.objects.select_related("programme__authority").get(pk=case.pk)
    programme = case.programme
    require_role(
        actor, Role.FINANCE, organisation=programme.authority, programme_code=programme.code
    )
    payers = {part.payer_id for part in parts_of(case)}
    fits = (
        line.is_credit
        and line.amount > 0
        and line.unit == programme.unit
        and line.match == BankLine.Match.UNMATCHED
        and line.statement.format != BankStatement.Format.REPORT
        and not payers.isdisjoint(accounts_of(actor)[line.statement.account])
        and case.status == Recovery.Status.UPHELD
        and not _is_used(line)
    )
    if not fits:
        raise RepaymentUnfit(position=line.position, case=case.code)
    return case


def _is_used(line: BankLine) -> bool:
    """Say whether an entry has repaid something, or another file's of the same bank reference."""
    used = Collection.objects.filter(bank_line=line)
    if line.reference:
        used |= Collection.objects.filter(
            bank_line__reference=line.reference,
            bank_line__amount=line.amount,
            bank_line__booked_on=line.booked_on,
            bank_line__statement__account=line.statement.account,
        )
    return used.exists()


def repay(
    line: BankLine, case: Recovery, note: str, people: tuple[User, User], at: datetime, key: str
) -> Collection:
    """Record an entry as the repayment of a case: its amount is the entry's, to the cent.

    :param people: who proposed it, and who agreed.
    :raises NotAllowed: if one of them is no finance officer of the programme by now.
    :raises SamePerson: if they are one person.
    :raises NothingOwed: if nothing of the case is owed by now.
    """
    first, second = people
    proposal = propose_collection(
        recovery=case,
        kind=CollectionProposal.Kind.REPAYMENT,
        amount=line.amount,
        note=note,
        actor=first,
        at=at,
        key=f"{key}/propose",
    )
    return record_collection(
        proposal=proposal, actor=second, at=at, key=f"{key}/record", bank_line=line
    )
