"""What a beneficiary must have paid itself before its claim is paid, and what of it is proven."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Sum

from billing.models import Bill, OwnShareProof, Settlement, Verdict
from billing.queries.bills import (
    is_own_claim,
    line_verdict,
    open_to,
    programmes_overseen,
)
from billing.queries.claim_shares import share_of_fee
from common.errors import NotFound
from parties.models import User
from parties.queries import has_role
from parties.roles import Role
from vouchers.models import PolicyVersion, Programme, Voucher
from vouchers.queries import law_of_voucher


@dataclass(frozen=True, slots=True)
class OwnShare:
    """What of a claim is the beneficiary's to pay, and what of that is proven; minor units."""

    due: int
    proven: int
    waiting: int

    @property
    def is_proven(self) -> bool:
        """Whether what was accepted as proof reaches the own share."""
        return self.proven >= self.due

    def reason_values(self, unit: str) -> dict[str, Any]:
        """Return what the reason `own_share_not_proven` says, amounts being in a unit."""
        return {"own_amount": self.due, "proven_amount": self.proven, "unit": unit}


def is_due(bill: Bill, at: datetime) -> bool:
    """Return whether nobody is waited for any more: a bill may be settled.

    A claim of the beneficiary is its own: there is nobody to wait for. A bill waits until each
    of its lines is confirmed or disputed, and no longer than the programme's days for that. A
    claim whose law asks for proof of the own share waits until that is proven.

    :raises NoPolicyInForce: if the programme had no policy on the day when it was sent.
    """
    is_said = is_own_claim(bill) or bill.agreed_at is not None or open_to(bill) <= at
    return is_said and not waits_for_own_share(bill, at)


def waits_for_own_share(bill: Bill, at: datetime) -> bool:
    """Say whether a bill is not settled yet because its own share is not proven."""
    if bill.status != Bill.Status.SENT:
        return False
    own = own_share_of(bill, at)
    return own is not None and not own.is_proven


def unproven(bills: Sequence[Bill], at: datetime) -> dict[int, OwnShare]:
    """Return the own shares of the bills that are not settled yet for want of proof, by key."""
    claims = [
        one for one in bills if one.kind == Bill.Kind.CLAIM and one.status == Bill.Status.SENT
    ]
    if not claims:
        return {}
    # Few laws ask; only their claims are worked out.
    laws = PolicyVersion.objects.filter(
        programme__in={one.programme_id for one in claims}, text__contains="own_share"
    )
    asking = set(laws.values_list("programme", flat=True))
    found = {one.pk: own_share_of(one, at) for one in claims if one.programme_id in asking}
    return {pk: own for pk, own in found.items() if own is not None and not own.is_proven}


def proofs_waiting(programmes: Iterable[Programme]) -> QuerySet[OwnShareProof]:
    """Return the proofs that no officer has decided of yet, oldest first."""
    found = OwnShareProof.objects.filter(bill__programme__in=programmes, decision=None)
    return (
        found.select_related("bill__programme", "bill__payee").defer("content").order_by("pk")
    )


def claimed_voucher(bill: Bill) -> Voucher | None:
    """Return the voucher of a claim; None for a bill."""
    if bill.kind != Bill.Kind.CLAIM:
        return None
    return Voucher.objects.select_related(
        "programme",
        "organisation",
        "decision__policy_version",
        "decision__application__upstream_award__programme",
    ).get(bill_lines__bill=bill)


def asks_own_share(voucher: Voucher) -> bool:
    """Say whether a voucher's law pays a claim only once the own share is proven."""
    return law_of_voucher(voucher).settlement.own_share == "PROVEN"


def own_share_of(bill: Bill, at: datetime) -> OwnShare | None:
    """Return the own share of a claim; None where no law asks for proof of it.

    Before anything is covered it is that of the whole claim at an instant: what is accepted of
    less has no larger one. Afterwards it is that of what was accepted.
    """
    voucher = claimed_voucher(bill)
    if voucher is None or not asks_own_share(voucher):
        return None
    proofs = own_share_proofs(bill)
    waiting = proofs.filter(decision=None).aggregate(total=Sum("amount"))["total"]
    return OwnShare(_due(bill, voucher, at), own_share_proven(bill), int(waiting or 0))


def _due(bill: Bill, voucher: Voucher, at: datetime) -> int:
    if Settlement.objects.filter(bill=bill, covered__gt=0).exists():
        return own_borne(bill)
    share = share_of_fee(bill, voucher, law_of_voucher(voucher), bill.total, at)
    # Of what nobody would be paid for, nothing has to be proven.
    return bill.total - share.covered if share.covered else 0


def own_borne(bill: Bill) -> int:
    """Return what the beneficiary bears of what was accepted of a claim so far."""
    found = Settlement.objects.filter(bill=bill).aggregate(
        total=Sum(F("accepted") - F("covered"))
    )
    return int(found["total"] or 0)


def own_share_proven(bill: Bill) -> int:
    """Return what officers accepted as proof of a claim's own share, in minor units."""
    found = OwnShareProof.objects.filter(bill=bill, decision__is_proof=True)
    return int(found.aggregate(total=Sum("amount"))["total"] or 0)


def may_be_proven(bill: Bill) -> bool:
    """Say whether something of a claim still waits that proof could help."""
    if bill.status == Bill.Status.SENT:
        return True
    verdict = line_verdict(bill.lines.get())
    return verdict is not None and verdict.outcome in (
        Verdict.Outcome.REDUCED,
        Verdict.Outcome.WITHHELD,
    )


def own_share_proofs(bill: Bill) -> QuerySet[OwnShareProof]:
    """Return the proofs of a claim's own share with what was decided of each, oldest first.

    Their files' bytes are read one by one.
    """
    return (
        OwnShareProof.objects.filter(bill=bill)
        .select_related("decision", "given_by", "bill__programme")
        .defer("content")
        .order_by("pk")
    )


def own_share_proof_of(person: User, number: str, pk: int) -> OwnShareProof:
    """Return one proof that a person may see: its holder's people and who oversees the claim.

    :raises NotFound: if there is none, or it is not this person's to see.
    """
    found = (
        OwnShareProof.objects.filter(bill__number=number, pk=pk)
        .select_related("bill__programme__authority", "bill__payee", "decision")
        .first()
    )
    if found is None or not may_read_proofs(person, found.bill):
        raise NotFound(what=f"{number}/{pk}")
    return found


def may_read_proofs(person: User, bill: Bill) -> bool:
    """Say whether a person may read what a claim's holder gave as proof."""
    voucher = claimed_voucher(bill)
    if voucher is None:
        return False
    is_holder = has_role(person, Role.APPLICANT, organisation=voucher.organisation)
    return is_holder or programmes_overseen(person).filter(pk=bill.programme_id).exists()
