"""Letters about a provider's accreditation, and about what suspends it."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext as _

from common.formatting import day_text
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from parties.models import User
from parties.queries import users_with
from parties.roles import Role
from providers.models import (
    AccreditationApplication,
    AccreditationDecision,
    Agreement,
    Suspension,
    SuspensionLift,
)
from providers.queries import providers_accredited
from providers.told import effects_told, items_told, time_told
from vouchers.models import Order


def accreditation_sent(deed: Deed) -> Letters:
    """Tell the officers of an authority that a provider asks to be accredited."""
    found = AccreditationApplication.objects.filter(act_id=deed.id).select_related(
        "organisation", "authority"
    )
    for one in found:

        def words(one: AccreditationApplication = one) -> Words:
            values = {"provider": one.organisation.name_here, "items": items_told(one.items)}
            return Words(
                _("%(provider)s asks to be accredited") % values,
                _("For %(items)s. Somebody else than who sent it decides.") % values,
            )

        officers = users_with(Role.OFFICER, organisation=one.authority)
        path = reverse("accreditation_decide", args=[one.code])
        yield Letter(tuple(officers), path, words)


def accreditation_decided(deed: Deed) -> Letters:
    """Tell a provider what it is accredited for, by which batch and until when, or why not."""
    found = AccreditationDecision.objects.filter(act_id=deed.id).select_related(
        "application__organisation", "application__authority"
    )
    for one in found:

        def words(one: AccreditationDecision = one) -> Words:
            values = {"authority": one.application.authority.name_here}
            granted = list(one.application.accreditations.order_by("pk"))
            if not granted:
                return Words(
                    _("%(authority)s did not accredit you") % values,
                    paragraphs(one.reasons, _("You may apply again.")),
                )
            first = granted[0]
            values |= {
                "items": items_told([each.item for each in granted]),
                "batch": first.batch,
                "from": day_text(first.from_on),
            }
            body = _("For %(items)s, by batch %(batch)s, from %(from)s.") % values
            until = (
                _("Its last day is %(until)s.") % {"until": day_text(first.until_on)}
                if first.until_on
                else ""
            )
            return Words(
                _("%(authority)s has accredited you") % values,
                paragraphs(body, until, one.reasons),
            )

        whose = people_of(one.application.organisation, Role.PROVIDER)
        yield Letter(whose, reverse("accreditation"), words)


def agreement_published(deed: Deed) -> Letters:
    """Tell every provider that may sell that there is a text to accept, and by when."""
    for one in Agreement.objects.filter(act_id=deed.id).select_related("authority"):

        def words(one: Agreement = one) -> Words:
            values = {
                "authority": one.authority.name_here,
                "title": one.title_here,
                "from": day_text(one.from_on),
            }
            return Words(
                _("Action needed by %(from)s: the agreement of %(authority)s") % values,
                _(
                    "“%(title)s” was published. From %(from)s on you take new orders under the "
                    "programmes of %(authority)s only if you have accepted it."
                )
                % values,
            )

        for provider in providers_accredited(deed.at):
            whose = people_of(provider.organisation, Role.PROVIDER)
            yield Letter(whose, reverse("agreement", args=[one.pk]), words)


def provider_suspended(deed: Deed) -> Letters:
    """Tell the provider, the holders of its open orders and the officers what stops, and why."""
    found = Suspension.objects.filter(act_id=deed.id).select_related("provider__organisation")
    for one in found:

        def words(one: Suspension = one) -> Words:
            values = {"provider": one.provider.organisation.name_here}
            return Words(
                _("%(provider)s is suspended") % values,
                paragraphs(one.reason, time_told(one), "\n".join(effects_told(one))),
            )

        yield from _to_all_sides(one, words)


def suspension_lifted(deed: Deed) -> Letters:
    """Tell the same people that a suspension is over."""
    found = SuspensionLift.objects.filter(act_id=deed.id).select_related(
        "suspension__provider__organisation"
    )
    for one in found:

        def words(one: SuspensionLift = one) -> Words:
            values = {"provider": one.suspension.provider.organisation.name_here}
            return Words(
                _("The suspension of %(provider)s is lifted") % values,
                paragraphs(_("All that it stopped may go on."), one.note),
            )

        yield from _to_all_sides(one.suspension, words)


def _to_all_sides(suspension: Suspension, words: Callable[[], Words]) -> Letters:
    organisation = suspension.provider.organisation
    yield Letter(people_of(organisation, Role.PROVIDER), reverse("accreditation"), words)
    told: set[int] = set()
    orders = Order.objects.filter(
        offer__provider=suspension.provider, status__in=Order.HOLDING
    ).select_related("voucher__organisation", "voucher__programme__authority")
    authorities = {}
    for order in orders.order_by("pk"):
        authorities[order.voucher.programme.authority_id] = order.voucher.programme.authority
        if order.voucher.organisation_id not in told:
            told.add(order.voucher.organisation_id)
            holders = people_of(order.voucher.organisation, Role.APPLICANT)
            yield Letter(holders, reverse("order", args=[order.code]), words)
    officers: list[User] = []
    for authority in authorities.values():
        officers += users_with(Role.OFFICER, organisation=authority)
    yield Letter(tuple(officers), reverse("provider_case", args=[organisation.code]), words)
