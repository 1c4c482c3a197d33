"""What waits for an officer: applications by their days, questions, appeals, rounds, awards."""

from collections import Counter
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from common.days import day_of
from common.formatting import day_text, instant, money
from common.forms import answer_form
from parties.authentication import signed_in
from parties.models import User
from parties.queries import organisations_of, require_role, users_with
from parties.roles import Role
from providers.queries import applications_before
from vouchers import actions, queries, statuses
from vouchers.forms.reviews import DeputyForm
from vouchers.models import Appeal, Application, Decision, Extension, Round
from vouchers.views.decisions_shown import round_title
from vouchers.views.shown import day_words, days_words

WHOSE = ("all", "mine", "nobody")


@login_required
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """List what waits for an officer, what was promised first first."""
    person, now = signed_in(request), timezone.now()
    require_role(person, Role.OFFICER)
    entries = queries.queue_of(person, now)
    whose = request.GET.get("whose", "all")
    shown = [one for one in entries if _fits(one, whose)]
    awards = list(queries.decisions_to_issue(person))
    context = {
        "waiting": {
            "caption": _("Applications to decide, those promised first first"),
            "columns": [
                _("Application"),
                _("Organisation"),
                _("Round"),
                _("Promised by"),
                _("With"),
                _("Status"),
            ],
            "rows": [_entry_row(one) for one in shown],
        },
        "whose": [
            {
                "label": label,
                "url": f"?whose={key}",
                "is_current": key == whose,
            }
            for key, label in (
                ("all", _("All (%(count)s)") % {"count": len(entries)}),
                ("mine", _("Mine (%(count)s)") % {"count": sum(c.is_mine for c in entries)}),
                (
                    "nobody",
                    _("Nobody’s yet (%(count)s)")
                    % {"count": sum(c.officer is None for c in entries)},
                ),
            )
        ],
        "asked": _asked_table(person),
        "appeals": _appeals_table(queries.appeals_waiting(person)),
        "extensions": {
            "caption": _("More days asked for"),
            "columns": [_("Voucher"), _("Organisation"), _("Asked for"), _("Last day now")],
            "rows": [_extension_row(one) for one in queries.extensions_waiting(person)],
        },
        "rounds": [
            {
                "text": _("Decide the round %(round)s") % {"round": round_title(one)},
                "url": reverse("round_decide", args=[one.programme.code, one.code]),
            }
            for one in queries.rounds_to_decide(person, now)
        ],
        "awards": {
            "caption": _("Awards without a voucher yet"),
            "columns": [
                _("Application"),
                _("Organisation"),
                {"label": _("Awarded"), "numeric": True},
                _("Decided"),
                _("Waits for"),
            ],
            "rows": [_award_row(one, now) for one in awards],
        },
        "rounds_to_issue": _rounds_to_issue(awards),
        "count": len(entries),
        "to_accredit": applications_before(person).filter(decision__isnull=True).count(),
        "to_review": queries.reviews_assigned_to(person).count(),
        "deputies": [
            _("%(name)s stands in for you until %(until)s.")
            % {"name": one.deputy.name, "until": day_text(one.until_on)}
            for one in queries.deputies_of(person, day_of(now))
        ],
    }
    return render(request, "vouchers/queue.html", context)


def _fits(entry: queries.QueueEntry, whose: str) -> bool:
    if whose == "mine":
        return entry.is_mine
    return entry.officer is None if whose == "nobody" else True


def _entry_row(one: queries.QueueEntry) -> list[Any]:
    application = one.application
    due: Any = day_words(one.due_on)
    if one.is_overdue:
        due = {"text": due, "error": _("Overdue")}
    return [
        {
            "text": application.answers.get("project_title") or application.reference,
            "url": reverse("decide", args=[application.reference]),
        },
        application.organisation.name_here,
        round_title(application.round),
        due,
        one.officer.name if one.officer else _("Nobody yet"),
        statuses.APPLICATION[application.status].staff_label,
    ]


def _asked_table(person: User) -> dict[str, Any]:
    return {
        "caption": _("Waiting for the applicant"),
        "columns": [_("Application"), _("Organisation"), _("Answer by")],
        "rows": [_asked_row(one) for one in queries.applications_asked(person)],
    }


def _asked_row(one: Application) -> list[Any]:
    return [
        {"text": one.reference, "url": reverse("decide", args=[one.reference])},
        one.organisation.name_here,
        day_words(one.due_on),  # type: ignore[attr-defined]  # annotated by the query
    ]


def _appeals_table(appeals: Any) -> dict[str, Any]:
    return {
        "caption": _("Appeals, oldest first"),
        "columns": [_("Application"), _("Organisation"), _("Sent"), _("Decided by")],
        "rows": [_appeal_row(one) for one in appeals],
    }


def _appeal_row(one: Appeal) -> list[Any]:
    application, by = one.decision.application, one.decision.decided_by
    return [
        {
            "text": application.reference,
            "url": reverse("appeal_decide", args=[application.reference]),
        },
        application.organisation.name_here,
        instant(one.sent_at, application.round.programme.zone),
        by.name if by else _("the rule for small amounts"),
    ]


def _extension_row(one: Extension) -> list[Any]:
    voucher = one.voucher
    return [
        {"text": voucher.code, "url": reverse("extension_decide", args=[voucher.code])},
        voucher.organisation.name_here,
        days_words(one.days),
        day_words(voucher.valid_until_on),
    ]


def _rounds_to_issue(awards: list[Decision]) -> list[dict[str, str]]:
    """Return a link for each round of which more than one voucher can be issued at once."""
    counts: Counter[Round] = Counter(award.application.round for award in awards)
    return [
        {
            "text": _("Issue the %(count)s vouchers of %(round)s")
            % {"count": count, "round": round_title(one)},
            "url": reverse("vouchers_issue", args=[one.programme.code, one.code]),
        }
        for one, count in counts.items()
        if count > 1
    ]


def _award_row(one: Decision, now: datetime) -> list[Any]:
    application = one.application
    programme = application.round.programme
    return [
        {
            "text": application.reference,
            "url": reverse("voucher_issue", args=[application.reference]),
        },
        application.organisation.name_here,
        money(one.awarded, programme.unit),
        instant(one.decided_at, programme.zone),
        _waits_for(one, day_of(now, programme.zone)),
    ]


def _waits_for(one: Decision, today: date) -> str:
    """Return what an award waits for before it can be issued, in words."""
    until = queries.notice_ends_on(one)
    if until is not None and today <= until:
        return _("Public notice until %(until)s") % {"until": day_text(until)}
    missing = queries.confirmations_missing(one)
    if missing:
        words = ngettext("%(count)s confirmation", "%(count)s confirmations", missing)
        return words % {"count": missing}
    return _("Its verdict on appeal") if queries.is_appealed(one) else _("Being issued")


@login_required
@require_http_methods(["GET", "POST"])
def deputy_new(request: HttpRequest) -> HttpResponse:
    """Name a colleague who stands in for some days."""
    person, now = signed_in(request), timezone.now()
    require_role(person, Role.OFFICER)
    colleagues: dict[int, User] = {}
    for organisation in organisations_of(person, Role.OFFICER):
        for one in users_with(Role.OFFICER, organisation=organisation).exclude(pk=person.pk):
            colleagues[one.pk] = one
    form = DeputyForm(
        request.POST if request.method == "POST" else None, people=colleagues.values()
    )

    def name() -> HttpResponse:
        given = form.cleaned_data
        actions.name_deputy(
            deputy=given["deputy"],
            from_on=given["from_on"],
            until_on=given["until_on"],
            actor=person,
            at=now,
            key=form.act_key,
        )
        messages.success(
            request, _("%(name)s sees your applications now.") % {"name": given["deputy"].name}
        )
        return redirect("queue")

    context = {
        "title": _("Name a deputy"),
        "back": reverse("queue"),
        "submit": _("Name the deputy"),
        "intro": _(
            "A deputy sees your applications among their own and acts under their own name. "
            "What needs two people still needs two."
        ),
    }
    return answer_form(request, form, "form_page.html", name, context)
