"""The framework text under which a provider sells, version by version, and who accepted which."""

from django.db import models
from django.db.models import Q

from common.languages import in_language


class Agreement(models.Model):
    """One version of an authority's framework text, from a day on; never changed, only followed."""

    authority = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="agreements"
    )
    number = models.IntegerField()
    title = models.CharField(max_length=120, blank=True, default="")
    title_zh = models.CharField(max_length=120, blank=True, default="")
    text = models.TextField(blank=True, default="")
    text_zh = models.TextField(blank=True, default="")
    # Of all four texts, in hexadecimal; what a provider accepts, it accepts by this.
    sha256 = models.CharField(max_length=64)
    from_on = models.DateField()
    published_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    published_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "authority", "number", name="providers_agreement_version_once"
            ),
            models.CheckConstraint(
                condition=(~Q(title="") & ~Q(text="")) | (~Q(title_zh="") & ~Q(text_zh="")),
                name="providers_agreement_has_text",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title_here} ({self.number})"

    @property
    def title_here(self) -> str:
        """The title in the language spoken, or the one there is."""
        return in_language(self.title, self.title_zh)

    @property
    def text_here(self) -> str:
        """The text in the language spoken, or the one there is."""
        return in_language(self.text, self.text_zh)


class AgreementAcceptance(models.Model):
    """An organisation accepted one version of an agreement: who, when, and which exact text."""

    agreement = models.ForeignKey(Agreement, models.PROTECT, related_name="acceptances")
    organisation = models.ForeignKey(
        "parties.Organisation", models.PROTECT, related_name="agreement_acceptances"
    )
    sha256 = models.CharField(max_length=64)
    accepted_by = models.ForeignKey("parties.User", models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField()
    act = models.ForeignKey("ledger.Act", models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "agreement", "organisation", name="providers_agreementacceptance_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organisation_id} accepted {self.agreement_id}"
