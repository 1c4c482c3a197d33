"""A holder proves that it paid its own share of a claim, and an officer says if it counts."""

from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.bills import AMOUNT_MAX
from billing.actions.line_acts import checked_note
from billing.actions.settlement import locked, require_settler
from billing.models import Bill, OwnShareDecision, OwnShareProof
from billing.queries import asks_own_share, claimed_voucher, may_be_proven
from common.days import day_of
from common.errors import Refused
from common.files import CheckedFile
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart, require_role
from parties.roles import Role
from vouchers.models import Voucher
from vouchers.queries import law_of_voucher

PAYEE_CHARACTERS_MAX = 200


class OwnShareNotAsked(Refused):
    """A proof of an own share that no law asks for."""

    code = "own_share_not_asked"
    sentence = _(
        "The law of %(bill)s asks for no proof of an own share, so none is needed. It goes on by "
        "itself."
    )


class OwnShareDecided(Refused):
    """A proof for a claim of which nothing waits, or a second word on one proof."""

    code = "own_share_decided"
    sentence = _("That is decided already. Open claim %(bill)s to see what became of it.")


class ProofInvalid(Refused):
    """A proof whose amount, day or payee can't be."""

    code = "proof_invalid"
    sentence = _("%(field)s can't be %(value)s here. Check it against the bank's document.")


class ProofGivenBefore(Refused):
    """A document that counts, or waits, as proof of another payment."""

    code = "proof_given_before"
    sentence = _(
        "The file “%(file)s” is already proof for claim %(bill)s. One payment counts once; give "
        "the document of this payment."
    )


@transaction.atomic
def prove_own_share(
    *,
    bill: Bill,
    amount: int,
    paid_on: date,
    paid_to: str,
    file: CheckedFile,
    actor: User,
    at: datetime,
    key: str,
) -> OwnShareProof:
    """Give a bank's document, as a claim's holder, that shows a payment of the own share.

    Several payments add up. Nothing counts before an officer has accepted it.

    :param amount: what was paid, in minor units of the claim's currency.
    :raises NotAllowed: if the person is no applicant of the voucher's organisation.
    :raises OwnShareNotAsked: if the voucher's law asks for no proof.
    :raises ProofInvalid: naming the field that can't be.
    :raises OwnShareDecided: if nothing of the claim waits any more.
    :raises ProofGivenBefore: if the same document waits or counts as proof already.
    :raises KeyReused: if the key was used for another proof.
    """
    voucher = _voucher_of(bill)
    require_role(actor, Role.APPLICANT, organisation=voucher.organisation)
    paid_to = paid_to.strip()
    _check(bill, amount, paid_on, paid_to, at)
    act = begin(
        kind=ActKind.PROVE_OWN_SHARE,
        key=key,
        actor=actor.address,
        about=bill.address,
        at=at,
        payload={
            "amount": amount,
            "paid_on": paid_on.isoformat(),
            "paid_to": paid_to,
            "file": file.sha256,
        },
    )
    if act.is_replay:
        return OwnShareProof.objects.get(act_id=act.id)
    bill = locked(bill)
    if not may_be_proven(bill):
        raise OwnShareDecided(bill=bill.number)
    _require_new(file.sha256, file.name)
    return OwnShareProof.objects.create(
        bill=bill,
        amount=amount,
        paid_on=paid_on,
        paid_to=paid_to,
        name=file.name,
        media_type=file.media_type,
        content=file.content,
        size=len(file.content),
        sha256=file.sha256,
        given_by=actor,
        given_at=at,
        act_id=act.id,
    )


@transaction.atomic
def decide_own_share(
    *, proof: OwnShareProof, accept: bool, note: str, actor: User, at: datetime, key: str
) -> OwnShareDecision:
    """Say, as an officer, whether a proof counts, with a word why; nothing moves by it.

    A claim whose own share is proven is settled by the next sweep; one that was settled and
    withheld before is decided by hand.

    :raises NotAllowed: if the person is no officer or finance officer of the programme.
    :raises NoteMissing: if there are no words, or too many.
    :raises SamePerson: if the person gave the proof.
    :raises OwnShareDecided: if somebody decided on the proof before.
    :raises ProofGivenBefore: if the same document was accepted for another payment.
    :raises KeyReused: if the key was used for another decision.
    """
    bill = proof.bill
    require_settler(bill, actor)
    note = checked_note(note)
    act = begin(
        kind=ActKind.DECIDE_OWN_SHARE,
        key=key,
        actor=actor.address,
        about=bill.address,
        at=at,
        payload={"proof": proof.pk, "accept": accept, "note": note},
        reason=note,
    )
    if act.is_replay:
        return OwnShareDecision.objects.get(act_id=act.id)
    giver = {"prove_own_share": proof.given_by.address}
    require_apart("decide_own_share", actor, giver, law_of_voucher(_voucher_of(bill)))
    locked(bill)
    if OwnShareDecision.objects.filter(proof=proof).exists():
        raise OwnShareDecided(bill=bill.number)
    decision = OwnShareDecision(
        proof=proof,
        is_proof=accept,
        note=note,
        accepted_sha256=proof.sha256 if accept else None,
        decided_by=actor,
        decided_at=at,
        act_id=act.id,
    )
    try:
        with transaction.atomic():
            decision.save(force_insert=True)
    except IntegrityError as error:
        earlier = _accepted_with(proof.sha256)
        if earlier is None:
            raise
        raise ProofGivenBefore(file=proof.name, bill=earlier.proof.bill.number) from error
    return decision


def _voucher_of(bill: Bill) -> Voucher:
    """Return the voucher of a claim whose law asks for proof of the own share.

    :raises OwnShareNotAsked: if there is none, or its law does not ask.
    """
    voucher = claimed_voucher(bill)
    if voucher is None or not asks_own_share(voucher):
        raise OwnShareNotAsked(bill=bill.number)
    return voucher


def _check(bill: Bill, amount: int, paid_on: date, paid_to: str, at: datetime) -> None:
    if not 0 < amount < AMOUNT_MAX:
        raise ProofInvalid(field=_("The amount paid"), value=amount)
    if paid_on > day_of(at, bill.programme.zone):
        raise ProofInvalid(field=_("The day of the payment"), value=paid_on)
    if not 0 < len(paid_to) <= PAYEE_CHARACTERS_MAX:
        raise ProofInvalid(field=_("Who was paid"), value=f"“{paid_to[:40]}”")


def _require_new(sha256: str, name: str) -> None:
    """Refuse a document that waits or counts already; one that was refused may come again."""
    standing = (
        OwnShareProof.objects.filter(sha256=sha256)
        .exclude(decision__is_proof=False)
        .select_related("bill")
        .first()
    )
    if standing is not None:
        raise ProofGivenBefore(file=name, bill=standing.bill.number)


def _accepted_with(sha256: str) -> OwnShareDecision | None:
    found = OwnShareDecision.objects.filter(accepted_sha256=sha256)
    return found.select_related("proof__bill").first()
