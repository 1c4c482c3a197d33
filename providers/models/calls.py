"""What providers' programs asked and were answered."""

from django.db import models
from django.db.models import Q

from common.tables import not_negative
from providers.models.accreditation import Provider
from providers.models.keys import ApiKey


class ApiAnswer(models.Model):
    """The first answer to a request that is done once; without a status while it is worked on."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    # SHA-256 of method, path and body.
    digest = models.CharField(max_length=64)
    begun_at = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    body = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint("provider", "key", name="providers_apianswer_once_a_key"),
            models.CheckConstraint(
                condition=Q(status__isnull=True) | Q(status__gte=200, status__lt=500),
                name="providers_apianswer_is_no_failure",
            ),
        ]
        indexes = [models.Index(fields=["begun_at"], name="providers_apianswer_age")]

    def __str__(self) -> str:
        return self.key


class ApiCall(models.Model):
    """One request of a program and how it was answered: neither its body nor the answer's."""

    provider = models.ForeignKey(Provider, models.PROTECT, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.PROTECT, related_name="+")
    request_id = models.UUIDField()
    at = models.DateTimeField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=200)
    status = models.SmallIntegerField()
    # The code of the refusal; empty where nothing was refused.
    code = models.CharField(max_length=60, blank=True, default="")
    took_ms = models.IntegerField()
    address = models.GenericIPAddressField(null=True)

    class Meta:
        constraints = [not_negative("took_ms")]
        indexes = [
            models.Index(fields=["provider", "-at", "-id"], name="providers_apicall_newest"),
            models.Index(fields=["at"], name="providers_apicall_age"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ApiCount(models.Model):
    """How many requests a key made in the minute that began then; an unlogged table.

    Every process counts in this one row, and a crash of the server forgets a minute's count.
    """

    api_key = models.OneToOneField(ApiKey, models.PROTECT, related_name="+", primary_key=True)
    minute = models.DateTimeField()
    requests_count = models.IntegerField()

    class Meta:
        constraints = [not_negative("requests_count")]

    def __str__(self) -> str:
        return f"{self.requests_count} since {self.minute}"
