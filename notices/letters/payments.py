"""Letters about payments, their approval, and where they go."""

from collections.abc import Callable, Iterable

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Batch, Payment
from billing.queries import NEVER_SENT
from common.days import day_of
from common.formatting import day_text, money
from ledger.kinds import ActKind
from notices.letters.letter import (
    Deed,
    Letter,
    Letters,
    Words,
    finance_of,
    paragraphs,
    people_of,
)
from parties.models import BankDetail, Organisation, User
from parties.queries import users_with
from parties.roles import Role


def payment_sent(deed: Deed) -> Letters:
    """Tell each payee what the bank confirmed as paid."""
    for payee, payments in _by_payee(deed):

        def words(payments: list[Payment] = payments) -> Words:
            return Words(
                _("Payment of %(amount)s sent") % {"amount": _total(payments)},
                paragraphs(
                    _("The bank has confirmed it:"),
                    "\n".join(_item(payment) for payment in payments),
                ),
            )

        yield Letter(people_of(payee), reverse("bills"), words)


def payment_on_its_way(deed: Deed) -> Letters:
    """Tell each payee of a batch what was given to the bank, and what it is made of."""
    sent = (
        Payment.objects.filter(batch__code=deed.code, batch__released_at__isnull=False)
        .exclude(status__in=NEVER_SENT)
        .select_related("payee", "batch__programme")
        .order_by("pk")
    )
    for payment in sent:

        def words(payment: Payment = payment) -> Words:
            values = {
                "amount": money(payment.amount, payment.unit),
                "programme": payment.batch.programme.title_here,
                "reference": payment.end_to_end_id,
            }
            return Words(
                _("Payment of %(amount)s is on its way") % values,
                _(
                    "%(programme)s gave it to the bank under the reference %(reference)s. The "
                    "remittance advice says what it is made of."
                )
                % values,
            )

        path = reverse("remittance", args=[payment.end_to_end_id])
        yield Letter(people_of(payment.payee), path, words)


def payment_returned(deed: Deed) -> Letters:
    """Tell each payee, and finance, what the bank sent back."""
    for payee, payments in _by_payee(deed):
        batch = payments[0].batch

        def words(payee: Organisation = payee, payments: list[Payment] = payments) -> Words:
            values = {"amount": _total(payments), "payee": payee.name_here}
            return Words(
                _("Action needed: the payment of %(amount)s to %(payee)s came back") % values,
                paragraphs(
                    "\n".join(_item(payment) for payment in payments),
                    _(
                        "It is due again, and is sent with the next batch. Check the bank "
                        "detail first, and propose another where it is wrong."
                    ),
                ),
            )

        yield Letter(people_of(payee), reverse("organisation"), words)
        finance = finance_of(batch.programme)
        yield Letter(finance, reverse("batch", args=[batch.code]), words)


def _by_payee(deed: Deed) -> Iterable[tuple[Organisation, list[Payment]]]:
    found = (
        Payment.objects.filter(end_to_end_id__in=deed.details.get("payments", []))
        .select_related("payee", "batch__programme__authority")
        .order_by("payee", "pk")
    )
    payees: dict[Organisation, list[Payment]] = {}
    # Of a payment in part, the act says how much of it.
    parts = deed.details.get("parts", {})
    for payment in found:
        payment.amount = parts.get(payment.end_to_end_id, payment.amount)
        payees.setdefault(payment.payee, []).append(payment)
    return payees.items()


def _total(payments: list[Payment]) -> str:
    return money(sum(payment.amount for payment in payments), payments[0].unit)


def _item(payment: Payment) -> str:
    return f"• {payment.end_to_end_id}: {money(payment.amount, payment.unit)}"


def batch_waiting(deed: Deed) -> Letters:
    """Tell the finance officers who had no part in a batch that it waits for one of them."""
    for batch in _batches(deed):
        doers = _doers_by_then(deed, batch)

        def words(batch: Batch = batch) -> Words:
            count = batch.payments.exclude(status=Payment.Status.REMOVED).count()
            values = {
                "batch": batch.code,
                "total": money(batch.total, batch.programme.unit),
                "programme": batch.programme.title,
                "payments": ngettext("%(count)s payment", "%(count)s payments", count)
                % {"count": count},
            }
            body = _("%(payments)s of %(programme)s, %(total)s in all.") % values
            return Words(_waits_for(deed, batch) % values, body)

        path = reverse("batch", args=[batch.code])
        yield Letter(finance_of(batch.programme, *doers), path, words)


def _doers_by_then(deed: Deed, batch: Batch) -> tuple[User | None, ...]:
    """Return who had a part in a batch when the act was done, whoever took one since."""
    if deed.kind == ActKind.LOCK_BATCH:
        return (batch.prepared_by,)
    if deed.kind == ActKind.APPROVE_BATCH:
        return (batch.prepared_by, batch.approved_by)
    return (batch.prepared_by, batch.approved_by, batch.authorised_by)


def _waits_for(deed: Deed, batch: Batch) -> str:
    if deed.kind == ActKind.LOCK_BATCH:
        return _("Action needed: batch %(batch)s waits for a second approval")
    if deed.kind == ActKind.APPROVE_BATCH and batch.needs_authorisation:
        return _("Action needed: batch %(batch)s waits to be authorised")
    return _("Action needed: batch %(batch)s waits to be released")


def batch_sent_back(deed: Deed) -> Letters:
    """Tell who prepared a batch that its list is open again, and why."""
    for batch in _batches(deed):

        def words(batch: Batch = batch) -> Words:
            return Words(
                _("Action needed: batch %(batch)s was sent back") % {"batch": batch.code},
                paragraphs(
                    str(deed.details.get("note", "")),
                    _("Change its payments and lock the list again, or cancel the batch."),
                ),
            )

        yield Letter((batch.prepared_by,), reverse("batch", args=[batch.code]), words)


def _batches(deed: Deed) -> list[Batch]:
    return list(
        Batch.objects.filter(code=deed.code).select_related(
            "programme__authority", "prepared_by", "approved_by", "authorised_by"
        )
    )


def bank_detail_proposed(deed: Deed) -> Letters:
    """Tell the organisation's people, as a matter of security, and finance, who must approve."""
    for detail in _details(Q(act_id=deed.id)):
        yield Letter(
            people_of(detail.organisation),
            reverse("organisation"),
            _detail_words(
                detail,
                lambda: _("A new bank detail for %(organisation)s was proposed"),
                lambda: _(
                    "Payments go there once a finance officer has approved it. If none of you "
                    "proposed it, tell us at once."
                ),
            ),
        )
        others = tuple(
            one
            for one in users_with(Role.FINANCE)
            if one.person_id != detail.proposed_by.person_id
        )
        yield Letter(
            others,
            reverse("bank_detail_approve", args=[detail.pk]),
            _detail_words(
                detail,
                lambda: _(
                    "Action needed: a bank detail of %(organisation)s waits for approval"
                ),
                lambda: _("Compare it with what the organisation told you by another way."),
            ),
        )


def bank_detail_changed(deed: Deed) -> Letters:
    """Tell the organisation's people from when payments go elsewhere, and how to stop that."""
    for detail in _details(Q(organisation__code=deed.code, approved_at=deed.at)):

        def after(detail: BankDetail = detail) -> str:
            begins = detail.pays_from_at
            if begins is None or begins <= deed.at:
                return _(
                    "From now on every payment to you goes there. If this is not right, tell "
                    "us at once."
                )
            return _(
                "From %(from)s on payments to you go there; until then they go where they went. "
                "If this is not right, stop it on the page of your organisation before that day."
            ) % {"from": day_text(day_of(begins))}

        yield Letter(
            people_of(detail.organisation),
            reverse("organisation"),
            _detail_words(
                detail, lambda: _("The bank detail of %(organisation)s was changed"), after
            ),
        )


def bank_detail_stopped(deed: Deed) -> Letters:
    """Tell the organisation's people and finance that payments go on where they went."""
    for detail in _details(Q(pk=deed.details.get("bank_detail", 0))):
        words = _detail_words(
            detail,
            lambda: _("A bank detail of %(organisation)s was stopped"),
            lambda: _("Nothing is paid there. Payments go where they went before."),
        )
        yield Letter(people_of(detail.organisation), reverse("organisation"), words)
        yield Letter(tuple(users_with(Role.FINANCE)), reverse("organisation"), words)


def _details(condition: Q) -> list[BankDetail]:
    return list(
        BankDetail.objects.filter(condition).select_related("organisation", "proposed_by")
    )


def _detail_words(
    detail: BankDetail, subject: Callable[[], str], after: Callable[[], str]
) -> Callable[[], Words]:
    def words() -> Words:
        values = {"organisation": detail.organisation.name_here, "end": detail.number[-4:]}
        return Words(
            subject() % values,
            paragraphs(_("Its number ends in %(end)s.") % values, after()),
        )

    return words
