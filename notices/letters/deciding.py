"""Letters about who decides: applications given, deputies named, appeals sent and judged."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext as _

from common.formatting import day_text
from notices.letters.letter import (
    Deed,
    Letter,
    Letters,
    Words,
    paragraphs,
    people_of,
)
from parties.queries import users_with
from parties.roles import Role
from vouchers.models import Appeal, AppealVerdict, Assignment, Deputy


def application_given(deed: Deed) -> Letters:
    """Tell who was given an application, unless they took it themselves."""
    found = Assignment.objects.filter(act_id=deed.id).select_related("user", "application")
    for one in found:
        if one.user_id == one.assigned_by_id:
            continue
        is_review = one.task == Assignment.Task.REVIEW

        def words(one: Assignment = one, is_review: bool = is_review) -> Words:
            values = {
                "reference": one.application.reference,
                "due": day_text(one.due_on) if one.due_on else "",
            }
            due = _("Please do it by %(due)s.") % values if one.due_on else ""
            if is_review:
                return Words(
                    _("An application to review: %(reference)s") % values,
                    paragraphs(
                        _("It was given to you to review."),
                        due,
                        _("If you are too close to who applied, step back on its page."),
                    ),
                )
            return Words(
                _("An application for you to decide: %(reference)s") % values,
                paragraphs(_("It was given to you to decide."), due),
            )

        name = "review_new" if is_review else "decide"
        yield Letter((one.user,), reverse(name, args=[one.application.reference]), words)


def deputy_named(deed: Deed) -> Letters:
    """Tell a colleague from when until when they stand in, and for whom."""
    for one in Deputy.objects.filter(act_id=deed.id).select_related("user", "deputy"):

        def words(one: Deputy = one) -> Words:
            values = {
                "name": one.user.name,
                "since": day_text(one.from_on),
                "until": day_text(one.until_on),
            }
            return Words(
                _("You stand in for %(name)s from %(since)s") % values,
                _("Until %(until)s you find the applications of %(name)s among your own.")
                % values,
            )

        yield Letter((one.deputy,), reverse("queue"), words)


def appeal_sent(deed: Deed) -> Letters:
    """Tell the officers who had no part in the decision that an appeal waits."""
    found = Appeal.objects.filter(act_id=deed.id).select_related(
        "decision__application__round__programme__authority"
    )
    for appeal in found:
        application = appeal.decision.application
        programme = application.round.programme
        officers = users_with(
            Role.OFFICER, organisation=programme.authority, programme_code=programme.code
        ).exclude(pk=appeal.decision.decided_by_id or 0)

        def words(reference: str = application.reference) -> Words:
            values = {"reference": reference}
            return Words(
                _("An appeal about %(reference)s waits for a verdict") % values,
                _("It is judged by an officer who had no part in the decision."),
            )

        yield Letter(
            tuple(officers), reverse("appeal_decide", args=[application.reference]), words
        )


def appeal_decided(deed: Deed) -> Letters:
    """Tell the applicant what became of the appeal, and why."""
    found = AppealVerdict.objects.filter(act_id=deed.id).select_related(
        "appeal__decision__application__organisation"
    )
    for verdict in found:
        application = verdict.appeal.decision.application
        yield Letter(
            people_of(application.organisation, Role.APPLICANT),
            reverse("application", args=[application.reference]),
            _verdict_words(verdict, application.reference),
        )


def _verdict_words(verdict: AppealVerdict, reference: str) -> Callable[[], Words]:
    def words() -> Words:
        values = {"reference": reference, "note": verdict.note}
        if verdict.outcome == AppealVerdict.Outcome.UPHELD:
            return Words(
                _("Your appeal about %(reference)s was upheld") % values,
                paragraphs(
                    _("The decision is undone, and your application is decided anew."),
                    verdict.note,
                ),
            )
        return Words(
            _("Your appeal about %(reference)s was dismissed") % values,
            paragraphs(_("The decision stays. These are the reasons:"), verdict.note),
        )

    return words
