"""Letters about a hold for an order."""

from collections.abc import Callable

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from common.days import day_of
from common.formatting import day_text, gpu_hours, money
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from parties.roles import Role
from vouchers.models import Order


def hold_placed(deed: Deed) -> Letters:
    """Tell the holder and the provider that value is set aside for an order."""
    for order in _orders(Q(act_id=deed.id)):

        def words(order: Order = order) -> Words:
            voucher = order.voucher
            values = {
                "order": order.code,
                "voucher": voucher.code,
                "offer": order.offer.title,
                "provider": order.offer.provider.organisation.name,
                "hours": gpu_hours(order.quantity_ms),
                "held": money(order.hold_amount, voucher.unit),
                "until": day_text(day_of(order.lapses_at, voucher.programme.zone)),
            }
            return Words(
                _("Order %(order)s: %(held)s is held") % values,
                paragraphs(
                    _(
                        "%(hours)s of “%(offer)s” at %(provider)s were ordered under voucher "
                        "%(voucher)s, and %(held)s is set aside for them."
                    )
                    % values,
                    _(
                        "What no bill has claimed by %(until)s goes back to the voucher. If "
                        "nobody of yours ordered this, tell us."
                    )
                    % values,
                ),
            )

        yield from _to_both(order, words)


def hold_lapsed(deed: Deed) -> Letters:
    """Tell the holder and the provider that a hold's time has passed."""
    for order in _orders(Q(code=deed.details.get("order", ""))):

        def words(order: Order = order) -> Words:
            values = {"order": order.code, "voucher": order.voucher.code}
            return Words(
                _("Order %(order)s: the hold has lapsed") % values,
                _(
                    "Nobody billed the rest in time, so what was still held is free again on "
                    "voucher %(voucher)s. Use after today needs a new order."
                )
                % values,
            )

        yield from _to_both(order, words)


def _orders(condition: Q) -> list[Order]:
    return list(
        Order.objects.filter(condition).select_related(
            "voucher__programme", "voucher__organisation", "offer__provider__organisation"
        )
    )


def _to_both(order: Order, words: Callable[[], Words]) -> Letters:
    path = reverse("order", args=[order.code])
    yield Letter(people_of(order.voucher.organisation, Role.APPLICANT), path, words)
    yield Letter(people_of(order.offer.provider.organisation, Role.PROVIDER), path, words)
