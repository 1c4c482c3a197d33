"""Letters about a target's assessment, and about awards above that are followed."""

from django.urls import reverse
from django.utils.translation import gettext as _

from common.formatting import day_text, money
from notices.letters.letter import (
    Deed,
    Letter,
    Letters,
    Words,
    paragraphs,
    people_of,
)
from parties.models import Organisation
from parties.roles import Role
from policy.targets import earned, figure_words
from vouchers.models import Assessment, UpstreamAward, Voucher
from vouchers.queries import law_of_voucher, pays_supply_side, supply_side


def target_agreed(voucher: Voucher) -> Letters:
    """Tell the supply side that a target names it, and who is to be paid."""
    supply = supply_side(voucher)
    if supply is None:
        return
    pays_supply = pays_supply_side(voucher)

    def words() -> Words:
        values = {
            "voucher": voucher.code,
            "holder": voucher.organisation.name_here,
            "programme": voucher.programme.title,
            "payee": supply.organisation.name_here
            if pays_supply
            else voucher.organisation.name_here,
        }
        return Words(
            _("Target %(voucher)s names you") % values,
            paragraphs(
                _("It was agreed with %(holder)s under %(programme)s.") % values,
                _(
                    "It is assessed at the year's end, and %(payee)s alone is paid for it. Tell us "
                    "if you know nothing of it."
                )
                % values,
            ),
        )

    yield Letter(people_of(supply.organisation, Role.PROVIDER), reverse("targets"), words)


def target_assessed(deed: Deed) -> Letters:
    """Tell both sides of a target what was found, what it earns, and who may claim it."""
    for found in Assessment.objects.filter(act_id=deed.id).select_related(
        "voucher__programme",
        "voucher__organisation",
        "voucher__decision__policy_version",
        "voucher__decision__application",
    ):
        voucher = found.voucher
        law, supply = law_of_voucher(voucher), supply_side(voucher)
        assert law.target is not None, "a programme of targets has one"
        pays_supply = law.payee == "PROVIDER" and supply is not None
        payee = supply.organisation if pays_supply and supply else voucher.organisation
        amount, _working = earned(voucher.amount, found.figure, law)
        values = {
            "voucher": voucher.code,
            "programme": voucher.programme.title,
            "figure": figure_words(found.figure, law.target.measure),
            "assessor": found.assessor,
            "amount": money(amount, voucher.unit),
        }

        def words(
            found: Assessment = found,
            payee: Organisation = payee,
            values: dict[str, str] = values,
        ) -> Words:
            day = day_text(found.assessed_on)
            said = {**values, "payee": payee.name_here, "day": day}
            return Words(
                _("Target %(voucher)s was assessed: %(figure)s") % said,
                paragraphs(
                    _(
                        "%(assessor)s found this on %(day)s. It earns %(amount)s of %(programme)s."
                    )
                    % said,
                    _(
                        "%(payee)s may claim it, once, and only %(payee)s. If the figure is wrong, "
                        "tell the authority before."
                    )
                    % said,
                ),
            )

        path = reverse("target_claim", args=[voucher.code])
        yield Letter(people_of(voucher.organisation, Role.APPLICANT), path, words)
        if supply is not None:
            yield Letter(people_of(supply.organisation, Role.PROVIDER), path, words)


def award_followed(deed: Deed) -> Letters:
    """Tell each organisation that its award above is here, and that nothing need be done."""
    found = UpstreamAward.objects.filter(act_id=deed.id).select_related(
        "programme", "organisation", "application"
    )
    for award in found.order_by("pk"):
        values = {
            "reference": award.reference,
            "upstream": award.upstream,
            "programme": award.programme.title,
            "base": money(award.base_amount, award.programme.unit),
        }

        def words(values: dict[str, str] = values) -> Words:
            return Words(
                _("Your award %(reference)s is followed by %(programme)s") % values,
                paragraphs(
                    _("%(upstream)s counted %(base)s for you, and %(programme)s follows it.")
                    % values,
                    _("You need not apply. We will write again when it is decided."),
                ),
            )

        yield Letter(
            people_of(award.organisation, Role.APPLICANT),
            reverse("application", args=[award.application.reference]),
            words,
        )
