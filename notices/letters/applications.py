"""Letters about an application and the voucher that comes of it."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.formatting import day_text, money
from ledger.queries import acts_about
from notices.letters.letter import (
    Deed,
    Letter,
    Letters,
    Words,
    paragraphs,
    people_of,
    stored_text,
)
from notices.letters.targets import target_agreed
from parties.roles import Role
from vouchers.models import (
    Application,
    Decision,
    InformationAnswer,
    InformationRequest,
    Programme,
    Voucher,
)
from vouchers.queries import pays_supply_side


def application_received(deed: Deed) -> Letters:
    """Tell the applicant that the application is here."""
    for application in Application.objects.filter(reference=deed.code).select_related(
        "round__programme", "organisation"
    ):
        values = {
            "reference": application.reference,
            "programme": application.round.programme.title,
            "title": str(application.answers.get("project_title", "")),
        }

        def words(values: dict[str, str] = values) -> Words:
            return Words(
                _("We have your application %(reference)s") % values,
                paragraphs(
                    _("Your application “%(title)s” to %(programme)s is here.") % values,
                    _(
                        "You need do nothing now. We will write again when it is decided. "
                        "Its page shows where it stands, and what you sent."
                    ),
                ),
            )

        yield Letter(
            people_of(application.organisation, Role.APPLICANT),
            reverse("application", args=[application.reference]),
            words,
        )


def information_requested(deed: Deed) -> Letters:
    """Tell the applicant what is needed and by which day."""
    for request in InformationRequest.objects.filter(act_id=deed.id).select_related(
        "application__organisation"
    ):
        application = request.application

        def words(request: InformationRequest = request) -> Words:
            values = {
                "reference": request.application.reference,
                "due": day_text(request.due_on),
                "question": request.question,
            }
            return Words(
                _("Action needed by %(due)s: a question about %(reference)s") % values,
                paragraphs(
                    _("An officer needs this from you: %(question)s") % values,
                    _(
                        "Answer in words, with a file, or both. Until you do, your application "
                        "waits."
                    ),
                ),
            )

        yield Letter(
            people_of(application.organisation, Role.APPLICANT),
            reverse("request_answer", args=[application.reference]),
            words,
        )


def request_answered(deed: Deed) -> Letters:
    """Tell the officer who asked that the answer is there."""
    for answer in InformationAnswer.objects.filter(act_id=deed.id).select_related(
        "request__asked_by", "request__application__organisation"
    ):
        request = answer.request

        def words(request: InformationRequest = request) -> Words:
            values = {
                "reference": request.application.reference,
                "organisation": request.application.organisation.name_here,
                "question": request.question,
            }
            return Words(
                _("%(organisation)s answered your question about %(reference)s") % values,
                _("You asked: %(question)s") % values,
            )

        yield Letter(
            (request.asked_by,), reverse("decide", args=[request.application.reference]), words
        )


def decision_made(deed: Deed) -> Letters:
    """Tell the applicant what was decided, and why; a referral is not a decision yet."""
    found = Decision.objects.filter(act_id=deed.id).select_related(
        "application__round__programme", "application__organisation"
    )
    for decision in found.exclude(outcome=Decision.Outcome.REFER):
        application = decision.application
        values = {
            "reference": application.reference,
            "programme": application.round.programme.title,
        }

        def words(decision: Decision = decision, values: dict[str, str] = values) -> Words:
            if decision.outcome == Decision.Outcome.PASS:
                amount = money(decision.awarded, decision.application.round.programme.unit)
                return Words(
                    _("Your application %(reference)s was approved") % values,
                    _(
                        "%(amount)s of %(programme)s is awarded. The voucher follows; its page "
                        "shows how the amount was worked out."
                    )
                    % {**values, "amount": amount},
                )
            if decision.outcome == Decision.Outcome.WAIT:
                return Words(
                    _("Your application %(reference)s is on the waiting list") % values,
                    paragraphs(
                        _(
                            "It could be approved, and the budget of %(programme)s did not "
                            "reach so far."
                        )
                        % values,
                        _("If money becomes free again we award it in the list's order."),
                    ),
                )
            reasons = [f"• {stored_text(reason)}" for reason in decision.reasons]
            return Words(
                _("Your application %(reference)s was not approved") % values,
                paragraphs(
                    _("These are the reasons:") if reasons or decision.note else "",
                    "\n".join([*reasons, *([f"• {decision.note}"] if decision.note else [])]),
                    _("You may apply again, or appeal on the application's page."),
                ),
            )

        yield Letter(
            people_of(application.organisation, Role.APPLICANT),
            reverse("application", args=[application.reference]),
            words,
        )


def voucher_issued(deed: Deed) -> Letters:
    """Tell the holder that the voucher can be used."""
    for voucher in Voucher.objects.filter(act_id=deed.id).select_related(
        "programme", "organisation"
    ):

        def words(voucher: Voucher = voucher) -> Words:
            values = {
                "voucher": voucher.code,
                "amount": money(voucher.amount, voucher.unit),
                "until": day_text(voucher.valid_until_on),
                "programme": voucher.programme.title,
            }
            return Words(
                _("Your voucher is ready: %(voucher)s") % values,
                paragraphs(
                    _("It holds %(amount)s of %(programme)s until %(until)s.") % values,
                    _what_next(voucher),
                ),
            )

        yield _to_holder(voucher, words)
        if voucher.programme.mode == Programme.Mode.M7:
            yield from target_agreed(voucher)


def _what_next(voucher: Voucher) -> str:
    """Return what a holder does with a new voucher."""
    programme = voucher.programme
    if programme.mode == Programme.Mode.M7:
        return _(
            "It is the letter of your target. What a third party finds at the year's end says how "
            "much of it is paid, and its page says to whom."
        )
    if programme.is_claimed_after_use and pays_supply_side(voucher):
        return _(
            "This programme pays its share to your provider after use: give the provider the code "
            "of this voucher, have the compute metered, and pay it your own share."
        )
    if programme.is_claimed_after_use:
        return _(
            "This programme pays you after use: have the compute metered, pay the provider, then "
            "claim the fee here."
        )
    return _(
        "Choose an offer in the catalogue, or give a provider the code on the voucher's page. We "
        "never send that code by e-mail."
    )


def voucher_expired(deed: Deed) -> Letters:
    """Tell the holder that the voucher's last day is over; once, whatever comes back later."""
    if acts_about(deed.about).filter(kind=deed.kind, id__lt=deed.id).exists():
        return
    ended = Voucher.objects.filter(code=deed.code).exclude(status=Voucher.Status.REVOKED)
    for voucher in ended.select_related("organisation"):

        def words(voucher: Voucher = voucher) -> Words:
            values = {"voucher": voucher.code, "until": day_text(voucher.valid_until_on)}
            return Words(
                _("Your voucher %(voucher)s has expired") % values,
                paragraphs(
                    _("Its last day was %(until)s. What was free went back to the programme.")
                    % values,
                    _(
                        "Action needed: report what it led to within 90 days. “Nothing to "
                        "report” is an answer too."
                    ),
                ),
            )

        yield _to_holder(voucher, words)


def voucher_expires(voucher: Voucher, days_left: int, free: int, kind: str) -> Letter:
    """Remind the holder of value that will expire."""

    def words() -> Words:
        days = ngettext("%(days)s day", "%(days)s days", days_left) % {"days": days_left}
        values = {
            "voucher": voucher.code,
            "days": days,
            "until": day_text(voucher.valid_until_on),
            "free": money(free, voucher.unit),
        }
        return Words(
            _("Action needed: your voucher %(voucher)s expires in %(days)s") % values,
            paragraphs(
                _("%(free)s of it is free, and can be used until %(until)s.") % values,
                _("What you won't use you may give back; that never lowers your standing."),
            ),
        )

    return _to_holder(voucher, words, kind)


def _to_holder(voucher: Voucher, words: Callable[[], Words], kind: str = "") -> Letter:
    return Letter(
        people_of(voucher.organisation, Role.APPLICANT),
        reverse("voucher", args=[voucher.code]),
        words,
        kind,
    )
