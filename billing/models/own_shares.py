"""Proof that a beneficiary paid its own share of a claim's fee, and what was decided of it."""

from django.db import models
from django.db.models import Q

from billing.models.bills import Bill


class OwnShareProof(models.Model):
    """One payment of a holder to its provider, as its bank's document proves it."""

    bill = models.ForeignKey(Bill, models.PROTECT, related_name="own_share_proofs")
    # Minor units of the claim's currency.
    amount = models.BigIntegerField()
    paid_on = models.DateField()
    # Whom the document names as paid; the officer compares it with the provider.
    paid_to = models.CharField(max_length=200)
    name = models.CharField(max_length=120)
    media_type = models.CharField(max_length=40)
    content = models.BinaryField()
    size = models.IntegerField()
    sha256 = models.CharField(max_length=64)
    given_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0), name="billing_ownshareproof_amount_above_0"
            ),
            models.CheckConstraint(
                condition=~Q(paid_to=""), name="billing_ownshareproof_says_who_was_paid"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bill_id}: {self.amount}"


class OwnShareDecision(models.Model):
    """An officer's word on one proof: whether it counts, and why."""

    proof = models.OneToOneField(OwnShareProof, models.PROTECT, related_name="decision")
    is_proof = models.BooleanField()
    note = models.CharField(max_length=500)
    # The document that was accepted, so that one payment is counted once; None if refused.
    accepted_sha256 = models.CharField(max_length=64, null=True)
    decided_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(note=""), name="billing_ownsharedecision_has_words"
            ),
            models.CheckConstraint(
                condition=Q(is_proof=True, accepted_sha256__isnull=False)
                | Q(is_proof=False, accepted_sha256__isnull=True),
                name="billing_ownsharedecision_accepts_a_document",
            ),
            models.UniqueConstraint(
                "accepted_sha256", name="billing_ownsharedecision_document_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.proof_id} {self.is_proof}"
