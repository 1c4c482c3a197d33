"""Letters about a hold for an order."""

from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from common.days import day_of
from common.formatting import day_text, gpu_hours, money
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from parties.roles import Role
from vouchers.models import Order, OrderChange, OrderUser, UseQuestion

_MOMENT = timedelta(seconds=1)


def hold_placed(deed: Deed) -> Letters:
    """Tell the holder and the provider that value is set aside for an order."""
    for order in _orders(Q(act_id=deed.id)):

        def words(order: Order = order) -> Words:
            voucher = order.voucher
            values = {
                "order": order.code,
                "voucher": voucher.code,
                "offer": order.offer.title,
                "provider": order.offer.provider.organisation.name_here,
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
                    _waits(order),
                    _(
                        "What no bill has claimed by %(until)s goes back to the voucher. If "
                        "nobody of yours ordered this, tell us."
                    )
                    % values,
                ),
            )

        yield from _to_both(order, words)


def _waits(order: Order) -> str:
    """Return until when the provider must say whether it takes an order, if it must."""
    if order.accept_by is None:
        return ""
    until = day_text(day_of(order.accept_by - _MOMENT, order.voucher.programme.zone))
    return _(
        "The order waits for the provider: it can be accepted until %(until)s, that day included."
    ) % {"until": until}


def hold_lapsed(deed: Deed) -> Letters:
    """Tell the holder and the provider that a hold's time has passed."""
    for order in _orders_of(deed):

        def words(order: Order = order) -> Words:
            values = {"order": order.code, "voucher": order.voucher.code}
            if order.accept_by is not None and order.lapses_at > deed.at:
                return Words(
                    _("Order %(order)s was not accepted in time") % values,
                    _(
                        "The provider did not answer in time, so what was held is free again on "
                        "voucher %(voucher)s. Place the order again, or choose another offer."
                    )
                    % values,
                )
            return Words(
                _("Order %(order)s: the hold has lapsed") % values,
                _(
                    "Nobody billed the rest in time, so what was still held is free again on "
                    "voucher %(voucher)s. Use after today needs a new order."
                )
                % values,
            )

        yield from _to_both(order, words)


def order_accepted(deed: Deed) -> Letters:
    """Tell the holder that the provider has accepted an order."""
    for order in _orders_of(deed):

        def words(order: Order = order) -> Words:
            values = _values(order)
            return Words(
                _("Order %(order)s: %(provider)s has accepted it") % values,
                _(
                    "%(hours)s of “%(offer)s” can be used from now on, and %(held)s of voucher "
                    "%(voucher)s is set aside for them."
                )
                % values,
            )

        yield _to_holder(order, words)


def order_declined(deed: Deed) -> Letters:
    """Tell the holder that the provider does not take an order, and why."""
    for order in _orders_of(deed):

        def words(order: Order = order) -> Words:
            values = _values(order)
            return Words(
                _("Order %(order)s: %(provider)s has declined it") % values,
                paragraphs(
                    _("The reason: %(reason)s") % values,
                    _(
                        "What was held is free again on voucher %(voucher)s. Choose another offer "
                        "from the catalogue."
                    )
                    % values,
                ),
            )

        yield _to_holder(order, words)


def order_changed(deed: Deed) -> Letters:
    """Tell the other side that an order is for more or fewer hours, and why."""
    changes = OrderChange.objects.filter(act_id=deed.id)
    for change in changes:
        for order in _orders(Q(pk=change.order_id)):

            def words(order: Order = order, change: OrderChange = change) -> Words:
                values = {
                    **_values(order),
                    "before": gpu_hours(change.quantity_ms_before),
                    "hours": gpu_hours(change.quantity_ms),
                    "held": money(change.hold_amount, order.voucher.unit),
                    "reason": change.reason,
                }
                return Words(
                    _("Order %(order)s: %(hours)s instead of %(before)s") % values,
                    paragraphs(
                        _("The reason: %(reason)s") % values,
                        _("%(held)s of voucher %(voucher)s is set aside for it in all.")
                        % values,
                    ),
                )

            yield _to_other(order, deed, words)


def order_cancelled(deed: Deed) -> Letters:
    """Tell the other side that an order was called off before use, and why."""
    for order in _orders_of(deed):

        def words(order: Order = order) -> Words:
            values = _values(order)
            return Words(
                _("Order %(order)s was cancelled") % values,
                paragraphs(
                    _("The reason: %(reason)s") % values,
                    _("What was held is free again on voucher %(voucher)s.") % values,
                ),
            )

        yield _to_other(order, deed, words)


def order_user_changed(deed: Deed) -> Letters:
    """Tell the provider who may use an order now, or may not any more."""
    changed = Q(act_id=deed.id) | Q(ended_act_id=deed.id)
    for user in OrderUser.objects.filter(changed):
        is_named = user.act_id == deed.id
        for order in _orders(Q(pk=user.order_id)):

            def words(
                order: Order = order, user: OrderUser = user, is_named: bool = is_named
            ) -> Words:
                found = ", ".join(filter(None, (user.email, user.login)))
                values = {**_values(order), "name": user.name, "found": found}
                subject = (
                    _("Order %(order)s: %(name)s may use it")
                    if is_named
                    else _("Order %(order)s: %(name)s may not use it any more")
                )
                body = (
                    _("%(holder)s lets %(name)s (%(found)s) use this order. Let them in.")
                    if is_named
                    else _("%(holder)s asks you to let %(name)s (%(found)s) in no longer.")
                )
                return Words(subject % values, body % values)

            yield _to_provider(order, words)


def order_unanswered(order: Order, kind: str) -> Letter:
    """Remind the provider of an order that lapses if nobody answers."""

    def words() -> Words:
        values = _values(order)
        return Words(
            _("Action needed: order %(order)s waits for your answer") % values,
            paragraphs(
                _("%(holder)s ordered %(hours)s of “%(offer)s”.") % values,
                _waits(order),
                _("Without an answer it lapses, and what is held goes back to the holder."),
            ),
        )

    return _to_provider(order, words, kind)


def use_asked_about(deed: Deed) -> Letters:
    """Tell the provider what a holder asks about a line of use, or the holder the answer."""
    asked = Q(act_id=deed.id) | Q(answer__act_id=deed.id)
    for question in UseQuestion.objects.filter(asked).select_related("answer"):
        is_answer = question.act_id != deed.id
        for order in _orders(Q(pk=question.order_id)):

            def words(
                order: Order = order,
                question: UseQuestion = question,
                is_answer: bool = is_answer,
            ) -> Words:
                values = {**_values(order), "line": question.line}
                if is_answer:
                    return Words(
                        _("Order %(order)s: an answer about %(line)s") % values,
                        paragraphs(question.text, question.answer.text),
                    )
                return Words(
                    _("Order %(order)s: a question about %(line)s") % values,
                    paragraphs(
                        question.text,
                        _("%(holder)s asks. Answer on the page of the order.") % values,
                    ),
                )

            yield (_to_holder if is_answer else _to_provider)(order, words)


def _values(order: Order) -> dict[str, str]:
    return {
        "order": order.code,
        "voucher": order.voucher.code,
        "offer": order.offer.title,
        "provider": order.offer.provider.organisation.name_here,
        "holder": order.voucher.organisation.name_here,
        "hours": gpu_hours(order.quantity_ms),
        "held": money(order.hold_amount, order.voucher.unit),
        "reason": order.end_note,
    }


def _orders_of(deed: Deed) -> list[Order]:
    return _orders(Q(code=deed.details.get("order", "")))


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


def _to_holder(order: Order, words: Callable[[], Words]) -> Letter:
    path = reverse("order", args=[order.code])
    return Letter(people_of(order.voucher.organisation, Role.APPLICANT), path, words)


def _to_other(order: Order, deed: Deed, words: Callable[[], Words]) -> Letter:
    """Return the letter to the side that did not do it."""
    provider = order.offer.provider
    doers = {one.address for one in people_of(provider.organisation, Role.PROVIDER)}
    if deed.actor in {*doers, provider.address}:
        return _to_holder(order, words)
    return _to_provider(order, words)


def _to_provider(order: Order, words: Callable[[], Words], kind: str = "") -> Letter:
    path = reverse("order", args=[order.code])
    whose = people_of(order.offer.provider.organisation, Role.PROVIDER)
    return Letter(whose, path, words, kind)
