"""Fees that are claimed after use: who may claim them, and what a voucher covers of one."""

from dataclasses import replace
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.models import Bill, Settlement, UsageLine
from billing.queries.bills import claims_accepted_in
from common.days import day_of
from common.errors import NotFound
from common.money import major
from policy.claims import Claim, FeeLine
from policy.dossiers import DossierInvalid, dossier_from
from policy.rules import Programme as Policy
from policy.settlement import Share, settle_claim
from providers.models import Provider
from vouchers.models import PolicyVersion, Programme, Voucher
from vouchers.queries import day_answer, read_policy, upstream_of, voucher_balance

# Of the modes that are claimed after use, those whose fee the law may pay to the provider.
FEE_MAY_PAY_PROVIDER = (Programme.Mode.M6, Programme.Mode.M8)


def vouchers_to_claim(*providers: Provider) -> QuerySet[Voucher]:
    """Return the active vouchers whose fee these providers may claim.

    Their law pays the provider, and one of these has metered use on them.
    """
    if not providers:
        return Voucher.objects.none()
    versions = PolicyVersion.objects.filter(programme__mode__in=FEE_MAY_PAY_PROVIDER)
    paying = [one.pk for one in versions if read_policy(one.text).payee == "PROVIDER"]
    used = UsageLine.objects.filter(provider__in=providers, voucher=OuterRef("pk"))
    of_law = Q(decision__policy_version__in=paying)
    of_whole = Q(parent__decision__policy_version__in=paying)
    return Voucher.objects.filter(
        Exists(used), of_law | of_whole, status=Voucher.Status.ACTIVE
    ).order_by("code")


def voucher_to_claim(provider: Provider, code: str) -> Voucher:
    """Return one voucher whose fee a provider may claim, by its code.

    :raises NotFound: if there is none, or it is not this provider's to claim on.
    """
    found = vouchers_to_claim(provider).filter(code=code.strip().upper()).first()
    if found is None:
        raise NotFound(what=code)
    return found


def share_of_fee(
    bill: Bill, voucher: Voucher, rules: Policy, accepted: int, at: datetime
) -> Share:
    """Return how what is accepted of a claim splits at an instant, by the law of its voucher.

    `accepted` is in minor units. The voucher's balance limits what is covered.
    """
    # What is left out is left out once, however often something of the claim is accepted.
    is_first = not Settlement.objects.filter(bill=bill, accepted__gt=0).exists()
    excluded = min(int(bill.facts["fee_excluded"]), accepted) if is_first else 0
    compute = accepted - excluded
    year = day_of(at, voucher.programme.zone).year
    # What the registers said when it was awarded: the firm that grew since keeps its share.
    decided = _decided(voucher)
    claim = Claim(
        as_of=voucher.valid_from_on,
        fee_lines=(
            FeeLine("compute", major(compute, bill.unit)),
            FeeLine("storage", major(excluded, bill.unit)),
        ),
        contract_from=day_answer(bill.facts, "contract_from_on"),
        contract_until=day_answer(bill.facts, "contract_until_on"),
        declared_this_year=major(claims_accepted_in(voucher, year), bill.unit),
        organisation_kind=voucher.organisation.kind,
        size=decided.size,
        age_years=decided.age_years,
        qualifications=decided.qualifications,
    )
    award = voucher.award.application.upstream_award
    if award is None:
        return settle_claim(claim, voucher_balance(voucher).free, rules)
    # What the programme above counted is the whole; the fee that was paid is the settled part.
    line, upstream = upstream_of(award)
    settled = min(major(compute, bill.unit), line.fee)
    claim = replace(claim, fee_lines=(line,), settled_fee=settled, upstream=upstream)
    share = settle_claim(claim, voucher_balance(voucher).free, rules)
    return replace(share, co_payment=accepted - share.covered - share.beyond_hold)


def _decided(voucher: Voucher) -> Claim:
    """Return the claim as it was known when the award was decided."""
    try:
        return dossier_from(voucher.award.facts).claim
    except DossierInvalid:
        return Claim(as_of=voucher.valid_from_on)
