"""How far a provider is on its way to its first bill."""

from dataclasses import dataclass
from datetime import datetime

from parties.models import BankDetail, Organisation
from providers.models import Offer
from providers.queries.accreditation import (
    applications_of,
    authorities_before,
    is_accredited,
    provider_by_code,
    suspension_in_force,
)
from providers.queries.agreements import agreements_to_accept
from providers.queries.capacity import capacity_version


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a provider does before it is paid: done, to do, or not to begin yet.

    What waits was done by the provider, and somebody else is to decide.
    """

    name: str
    is_done: bool
    can_begin: bool = True
    waits: bool = False


def onboarding_of(organisation: Organisation, at: datetime) -> list[Step]:
    """Return the steps of a provider from its application to its first bill, in their order.

    A bank detail counts from its approval. The agreements are those of the authorities that
    accredited it or that it asked to; before it has asked one, that step can't begin. Nor can
    what belongs to an accredited provider alone before it is one, or a bill before an offer.
    """
    provider = provider_by_code(organisation.code)
    # A suspended provider was accredited once; that step stays done.
    is_in = provider is not None and (
        is_accredited(provider, at) or suspension_in_force(provider, at) is not None
    )
    details = BankDetail.objects.filter(organisation=organisation)
    has_detail = details.filter(status=BankDetail.Status.APPROVED).exists()
    has_proposed = details.filter(status=BankDetail.Status.PROPOSED).exists()
    has_asked = applications_of(organisation).filter(decision__isnull=True).exists()
    asked = authorities_before(organisation)
    lacks = agreements_to_accept(organisation).filter(authority__in=asked)
    has_offer = provider is not None and (
        provider.offers.filter(status=Offer.Status.PUBLISHED).exists()
    )
    has_key = provider is not None and provider.api_keys.filter(revoked_at=None).exists()
    has_capacity = provider is not None and capacity_version(provider) is not None
    # Billing stands above this app: its rows are asked for by the name under which they belong.
    has_bill = provider is not None and provider.bills.exists()
    return [
        Step("accreditation", is_in, waits=has_asked and not is_in),
        Step("agreement", asked.exists() and not lacks.exists(), asked.exists()),
        Step("bank_detail", has_detail, waits=has_proposed and not has_detail),
        Step("capacity", has_capacity, provider is not None),
        Step("offer", has_offer, is_in),
        Step("api_key", has_key, provider is not None),
        Step("bill", has_bill, has_offer),
    ]
