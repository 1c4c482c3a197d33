"""Targets of performance contracts: their assessments, their two sides, and which one is paid."""

from django.db.models import QuerySet

from parties.models import Organisation, User
from parties.queries import organisations_of
from parties.roles import Role
from policy.rules import Programme as Policy
from providers.models import Provider
from providers.queries import provider_by_code
from vouchers.models import Assessment, Programme, Voucher
from vouchers.queries.programmes import find_one, read_policy


def law_of_voucher(voucher: Voucher) -> Policy:
    """Return the law that a voucher was awarded under; a later version does not change it."""
    return read_policy(voucher.award.policy_version.text)


def assessments_of(voucher: Voucher) -> QuerySet[Assessment]:
    """Return what was assessed of a voucher's target, newest first."""
    found = Assessment.objects.filter(voucher=voucher).select_related("recorded_by")
    return found.order_by("-pk")


def newest_assessment(voucher: Voucher) -> Assessment | None:
    """Return the assessment that counts, or None before there is one."""
    return assessments_of(voucher).first()


def supply_side(voucher: Voucher) -> Provider | None:
    """Return the provider that a target letter names beside its holder."""
    return provider_by_code(str(voucher.award.application.answers.get("provider_code") or ""))


def pays_supply_side(voucher: Voucher) -> bool:
    """Say whether the provider, and not the holder, is paid for a voucher."""
    return law_of_voucher(voucher).payee == "PROVIDER"


def targets_supplied_by(person: User) -> QuerySet[Voucher]:
    """Return the targets that name one of a person's providers, newest first."""
    own = organisations_of(person, Role.PROVIDER)
    return (
        Voucher.objects.filter(
            programme__mode=Programme.Mode.M7,
            decision__application__answers__provider_code__in=list(_codes(own)),
        )
        .select_related(
            "programme__authority",
            "organisation",
            "decision__application",
            "decision__policy_version",
        )
        .order_by("-issued_at", "-pk")
    )


def target_supplied_by(person: User, code: str) -> Voucher:
    """Return one target that names one of a person's providers.

    :raises NotFound: if it doesn't exist, or names none of them.
    """
    voucher: Voucher = find_one(targets_supplied_by(person), what=code, code=code)
    return voucher


def _codes(organisations: QuerySet[Organisation]) -> QuerySet[Organisation, str]:
    return organisations.values_list("code", flat=True)
