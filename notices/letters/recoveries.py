"""Letters about what was paid and not owed: the notice, the decision, and what was got back."""

from collections.abc import Callable
from dataclasses import replace

from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import Collection, Recovery
from common.formatting import day_text, money
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of

# The reminders of what is owed, before and after the day until which it is paid.
RECOVERY_DUE, RECOVERY_LATE = "recovery_due", "recovery_late"


def recovery_opened(deed: Deed) -> Letters:
    """Give the debtor notice of a case: how much, on what ground, and until when to reply."""
    for case in Recovery.objects.filter(act_id=deed.id).select_related("programme", "debtor"):

        def words(case: Recovery = case) -> Words:
            values = _values(case)
            return Words(
                _("Action needed: %(amount)s may have to be paid back (case %(case)s)")
                % values,
                paragraphs(
                    _("%(programme)s, %(basis)s: %(reason)s") % values,
                    _("You may reply until %(reply)s. Nothing is owed before it is decided.")
                    % values,
                ),
            )

        yield _to_debtor(case, words)


def recovery_decided(deed: Deed) -> Letters:
    """Tell the debtor what was decided, and until when it is paid."""
    for case in _cases(deed):

        def words(case: Recovery = case) -> Words:
            values = _values(case)
            if not case.upheld_amount:
                return Words(
                    _("Case %(case)s is dropped") % values, _("Nothing is owed of it.")
                )
            return Words(
                _("Action needed: %(upheld)s is to be paid back (case %(case)s)") % values,
                _(
                    "Pay it back until %(due)s, with the number of the case. What is not paid may "
                    "be set off against your next payment."
                )
                % values,
            )

        yield _to_debtor(case, words)


def recovery_collected(deed: Deed) -> Letters:
    """Tell the debtor what was set off, received or written off, and what is left."""
    found = Collection.objects.filter(act_id=deed.id)
    for one in found.select_related("recovery__programme", "recovery__debtor"):

        def words(one: Collection = one) -> Words:
            values = {
                **_values(one.recovery),
                "amount": money(one.amount, one.recovery.programme.unit),
                "refund": money(one.refund_amount, one.recovery.programme.unit),
            }
            subject = {
                Collection.Kind.OFFSET: _("%(amount)s was set off (case %(case)s)"),
                Collection.Kind.REPAYMENT: _("We have your repayment (case %(case)s)"),
                Collection.Kind.WRITE_OFF: _("%(amount)s was written off (case %(case)s)"),
            }[Collection.Kind(one.kind)]
            beyond = _("%(refund)s was more than was owed, and is due to you again.")
            return Words(
                subject % values,
                paragraphs(
                    _("%(left)s is still owed.") % values,
                    beyond % values if one.refund_amount else "",
                ),
            )

        yield _to_debtor(one.recovery, words)


def recovery_due(case: Recovery, kind: str) -> Letter:
    """Remind the debtor of what is owed: once before the day until which it is paid, once after."""

    def words() -> Words:
        values = _values(case)
        subject = (
            _("Overdue: %(left)s was to be paid back until %(due)s (case %(case)s)")
            if kind == RECOVERY_LATE
            else _("Action needed: pay back %(left)s until %(due)s (case %(case)s)")
        )
        return Words(
            subject % values,
            paragraphs(
                _("%(programme)s, %(basis)s: %(reason)s") % values,
                _(
                    "How to pay is in the notice on the page of the case. Write the number of the "
                    "case as the reference."
                ),
            ),
        )

    return replace(_to_debtor(case, words), kind=kind)


def _cases(deed: Deed) -> list[Recovery]:
    cases = Recovery.objects.filter(code=deed.code)
    return list(cases.select_related("programme", "debtor"))


def _values(case: Recovery) -> dict[str, str]:
    unit = case.programme.unit
    return {
        "case": case.code,
        "programme": case.programme.title_here,
        "basis": case.legal_basis,
        "reason": case.reason,
        "amount": money(case.amount, unit),
        "upheld": money(case.upheld_amount, unit),
        "left": money(case.left, unit),
        "reply": day_text(case.reply_until),
        "due": day_text(case.due_on) if case.due_on else "",
    }


def _to_debtor(case: Recovery, words: Callable[[], Words]) -> Letter:
    return Letter(people_of(case.debtor), reverse("recovery", args=[case.code]), words)
