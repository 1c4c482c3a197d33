"""Issue the vouchers of a round at once, having seen what that gives."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from common.errors import NotFound
from common.formatting import money
from common.forms import answer_form
from parties.authentication import signed_in
from vouchers import actions, queries
from vouchers.forms.decisions import BulkIssueForm
from vouchers.queries.issuing import issue_preview
from vouchers.views.decisions_shown import round_title

_SHOWN_MAX = 50


@login_required
@require_http_methods(["GET", "POST"])
def vouchers_issue(request: HttpRequest, code: str, round_code: str) -> HttpResponse:
    """Commit every award of a round that this person may issue."""
    person = signed_in(request)
    programme = queries.programme_of(person, code)
    found = queries.rounds_of(programme).filter(code=round_code).first()
    if found is None:
        raise NotFound(what=round_code)
    form = BulkIssueForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )
    only = form.cleaned_data["only"] if form.is_bound and form.is_valid() else None
    twice = form.cleaned_data.get("twice", []) if form.is_bound and form.is_valid() else []
    preview = issue_preview(found, person, timezone.now(), only)

    def issue() -> HttpResponse:
        if request.POST.get("then") == "look":
            return _look(request, form, context)
        issued = actions.issue_vouchers(
            round=found, actor=person, at=timezone.now(), key=form.act_key, only=only
        )
        messages.success(
            request,
            ngettext(
                "%(count)s voucher is issued, %(amount)s in all.",
                "%(count)s vouchers are issued, %(amount)s in all.",
                issued.vouchers,
            )
            % {"count": issued.vouchers, "amount": money(issued.amount, programme.unit)},
        )
        return redirect("queue")

    available = queries.budget_available(programme)
    context = {
        "title": _("Issue the vouchers of a round"),
        "caption": round_title(found),
        "back": reverse("queue"),
        "submit": _("Issue them all"),
        "preview": preview,
        "may_issue": preview.vouchers > 0 and preview.amount <= available,
        "warning": _(
            "The budget does not reach for all of them, so none can be issued here. Issue them "
            "one by one, or ask finance for more budget."
        )
        if preview.amount > available
        else "",
        "rows": [
            {"key": _("Vouchers"), "value": preview.vouchers},
            {"key": _("In all"), "value": money(preview.amount, programme.unit)},
            {
                "key": _("The programme has available"),
                "value": money(available, programme.unit),
            },
            {"key": _("Left out"), "value": len(preview.left_out)},
        ],
        "twice": twice[:_SHOWN_MAX],
        "again": preview.again[:_SHOWN_MAX],
        "again_more_words": _more_words(len(preview.again) - _SHOWN_MAX),
        "left_columns": [_("Application"), _("Organisation"), _("Why")],
        "left_rows": [
            [one.reference, one.organisation, one.reason]
            for one in preview.left_out[:_SHOWN_MAX]
        ],
    }
    return answer_form(request, form, "vouchers/vouchers_issue.html", issue, context)


def _look(request: HttpRequest, form: BulkIssueForm, context: dict[str, Any]) -> HttpResponse:
    """Show what issuing the listed ones would give, with the list kept for the next press."""
    only = form.cleaned_data["only"]
    kept = BulkIssueForm(initial={"references": "\n".join(only or [])})
    return render(request, "vouchers/vouchers_issue.html", {**context, "form": kept})


def _more_words(count: int) -> str:
    return _("and %(count)s more") % {"count": count} if count > 0 else ""
