"""Letters about a voucher's days and its end by decision."""

from django.urls import reverse
from django.utils.translation import gettext as _

from common.formatting import day_text
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from parties.queries import users_with
from parties.roles import Role
from vouchers.models import Extension, ExtensionVerdict, Revocation


def extension_requested(deed: Deed) -> Letters:
    """Tell the officers that a holder asks for more days, where somebody has to decide."""
    found = Extension.objects.filter(act_id=deed.id, verdict__isnull=True).select_related(
        "voucher__programme__authority", "voucher__organisation"
    )
    for one in found:
        voucher, programme = one.voucher, one.voucher.programme

        def words(one: Extension = one) -> Words:
            values = {
                "voucher": one.voucher.code,
                "organisation": one.voucher.organisation.name_here,
                "days": one.days,
                "reason": one.reason,
            }
            return Words(
                _("%(organisation)s asks for more days for %(voucher)s") % values,
                _("%(days)s days, because: %(reason)s") % values,
            )

        officers = users_with(
            Role.OFFICER, organisation=programme.authority, programme_code=programme.code
        )
        yield Letter(tuple(officers), reverse("extension_decide", args=[voucher.code]), words)


def extension_decided(deed: Deed) -> Letters:
    """Tell the holder whether the voucher has more days, and until when it lasts."""
    found = ExtensionVerdict.objects.filter(act_id=deed.id).select_related(
        "extension__voucher__organisation"
    )
    for verdict in found:
        voucher = verdict.extension.voucher

        def words(verdict: ExtensionVerdict = verdict) -> Words:
            values = {
                "voucher": verdict.extension.voucher.code,
                "until": day_text(verdict.until_on),
            }
            if verdict.outcome == ExtensionVerdict.Outcome.GRANTED:
                subject = _("Your voucher %(voucher)s lasts until %(until)s now") % values
            else:
                subject = _("Your voucher %(voucher)s gets no more days") % values
            last = _("Its last day is %(until)s.") % values
            return Words(subject, paragraphs(last, verdict.note))

        yield Letter(
            people_of(voucher.organisation, Role.APPLICANT),
            reverse("voucher", args=[voucher.code]),
            words,
        )


def voucher_revoked(deed: Deed) -> Letters:
    """Tell the holder that the voucher was ended by decision, and why."""
    found = Revocation.objects.filter(act_id=deed.id).select_related("voucher__organisation")
    for revocation in found:
        voucher = revocation.voucher

        def words(revocation: Revocation = revocation) -> Words:
            values = {"voucher": revocation.voucher.code}
            again = (
                _("You may apply to this programme again, in another round.")
                if revocation.may_apply_again
                else _("You may not apply to this programme again.")
            )
            return Words(
                _("Your voucher %(voucher)s was revoked") % values,
                paragraphs(
                    _("It takes no new orders, and what was free went back. The reason:"),
                    revocation.note,
                    again,
                    _("Write to the authority if you think that this is wrong."),
                ),
            )

        yield Letter(
            people_of(voucher.organisation, Role.APPLICANT),
            reverse("voucher", args=[voucher.code]),
            words,
        )
