"""The notice of a recovery, to print: what is asked back, on what ground, and how it is paid."""

from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.models import Recovery
from billing.queries.recoveries import parts_of, recovery_of
from billing.views.recoveries import origin_name
from common.days import day_of
from common.downloads import file_answer
from common.formatting import day_text, money
from common.papers import tables_pdf
from parties.authentication import signed_in

PDF = "application/pdf"


@login_required
@require_GET
def recovery_notice(request: HttpRequest, code: str) -> HttpResponse:
    """Give the notice of a case as a PDF, in the language spoken."""
    case = recovery_of(signed_in(request), code)
    return file_answer(f"{case.code}.pdf", notice_pdf(case, timezone.now()), PDF)


def notice_pdf(case: Recovery, at: datetime) -> bytes:
    """Return the notice of a case as a PDF; once it is decided, it says what is owed until when."""
    programme = case.programme
    return tables_pdf(
        title=_("Notice of recovery %(case)s") % {"case": case.code},
        head=f"{programme.title_here} · {programme.authority.name_here}",
        rows=notice_rows(case, at),
        tables=[],
        note=_(
            "Nothing is owed before the case is decided by another person than the one who opened "
            "it. You are heard first: reply on the page of the case."
        ),
    )


def notice_rows(case: Recovery, at: datetime) -> list[tuple[str, str]]:
    """Return what the notice says: the case, its ground, the amount, the days, how to pay back."""
    programme = case.programme
    rows = [
        (_("Debtor"), f"{case.debtor.name_here} ({case.debtor.identifier})"),
        (_("Day of the notice"), day_text(day_of(case.opened_at, programme.zone))),
        (_("Legal basis"), case.legal_basis),
        (_("Reason"), case.reason),
        (_("From"), origin_name(case)),
        (_("Amount asked back"), money(case.amount, programme.unit)),
        (_("You may reply until"), day_text(case.reply_until)),
    ]
    if case.due_on is not None:
        rows += [
            (_("Upheld"), money(case.upheld_amount, programme.unit)),
            (_("Still owed"), money(case.left, programme.unit)),
            (_("Due on"), day_text(case.due_on)),
        ]
    return [*rows, (_("How to pay back"), _how_to_pay(case, at))]


def _how_to_pay(case: Recovery, at: datetime) -> str:
    """Say where to: to any of those who paid, each of whom hands on what is the others'."""
    payers = [part.payer for part in parts_of(case)]
    details = queries.bank_details_in_force([payer.pk for payer in payers], at)
    detail = next((details[payer.pk] for payer in payers if payer.pk in details), None)
    if detail is None:
        words = _("Ask %(authority)s for its account, and write %(case)s as the reference.")
        return words % {"authority": payers[0].name_here, "case": case.code}
    words = _("To %(holder)s, account %(number)s, with the reference %(case)s.")
    if case.is_offset:
        words = f"{words} " + _("What is not paid is set off against your next payment.")
    return words % {"holder": detail.holder, "number": detail.number, "case": case.code}
