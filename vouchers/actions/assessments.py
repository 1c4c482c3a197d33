"""Record what a third party found of a target."""

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.days import day_of
from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import require_apart
from vouchers.actions.reviews import require_no_conflict
from vouchers.actions.vouchers import OVER, VoucherOver, locked_voucher
from vouchers.models import Assessment, Programme, Voucher
from vouchers.queries import (
    law_of_voucher,
    require_officer,
)

FIGURE_BELOW = Decimal(10) ** 12
FIGURE_PLACES = 6
ASSESSOR_MOST = 200
EVIDENCE_MOST = 4000


class NoTarget(Refused):
    """The voucher is no target letter."""

    code = "no_target"
    sentence = _("%(voucher)s has no target, so there is nothing to assess.")


class AssessmentInvalid(Refused):
    """A figure, an assessor, evidence or a day that can't be."""

    code = "assessment_invalid"
    sentence = _("%(field)s can't be “%(value)s”. %(fix)s")


@transaction.atomic
def record_assessment(
    *,
    voucher: Voucher,
    assessor: str,
    figure: Decimal,
    evidence: str,
    assessed_on: date,
    actor: User,
    at: datetime,
    key: str,
) -> Assessment:
    """Record what an assessor found of a target on a day, in the document's measure.

    The newest assessment counts; a wrong one stays, and is followed by another. What was paid
    before stays paid.

    :raises NotAllowed: if the person is no officer of the programme.
    :raises SamePerson: if the person sent or decided the application.
    :raises NoTarget: if the voucher is no target letter.
    :raises AssessmentInvalid: if something that is said can't be.
    :raises VoucherOver: if the voucher was returned or has expired.
    """
    programme = voucher.programme
    require_officer(actor, programme)
    if programme.mode != Programme.Mode.M7:
        raise NoTarget(voucher=voucher.code)
    assessor, evidence = assessor.strip(), evidence.strip()
    _check_words(assessor, evidence)
    _check_figure(figure)
    first, today = voucher.valid_from_on, day_of(at, programme.zone)
    if not first <= assessed_on <= today:
        fix = _("Give a day from %(first)s to %(today)s.") % {"first": first, "today": today}
        raise AssessmentInvalid(field=_("The day"), value=assessed_on, fix=fix)
    content = {"assessor": assessor, "figure": f"{figure.normalize():f}", "evidence": evidence}
    act = ledger.begin(
        kind=ActKind.RECORD_ASSESSMENT,
        key=key,
        actor=actor.address,
        about=voucher.address,
        at=at,
        payload={**content, "assessed_on": assessed_on},
        details={"figure": content["figure"]},
    )
    if act.is_replay:
        return Assessment.objects.select_related("voucher").get(act_id=act.id)
    _require_another(actor, voucher)
    require_no_conflict(actor, voucher.award.application)
    # Settlement locks the voucher too, so that it never pays by a figure that was just replaced.
    row = locked_voucher(voucher)
    if row.status in OVER:
        raise VoucherOver(voucher=row.code)
    return Assessment.objects.create(
        voucher=row,
        assessor=assessor,
        figure=figure,
        evidence=evidence,
        assessed_on=assessed_on,
        recorded_by=actor,
        recorded_at=at,
        act_id=act.id,
    )


def _require_another(actor: User, voucher: Voucher) -> None:
    decisions = voucher.award.application.decisions.select_related("application__act")
    doers = {f"user:{one.decided_by_id}" for one in decisions if one.decided_by_id}
    sent = voucher.award.application.act
    earlier = {"submit_application": sent.actor if sent else (), "decide_application": doers}
    require_apart("record_assessment", actor, earlier, law_of_voucher(voucher))


def _check_words(assessor: str, evidence: str) -> None:
    for field, text, most in (
        (_("The assessor"), assessor, ASSESSOR_MOST),
        (_("The evidence"), evidence, EVIDENCE_MOST),
    ):
        if not 0 < len(text) <= most:
            fix = _("Write 1 to %(most)s characters.") % {"most": most}
            raise AssessmentInvalid(field=field, value=text[:60], fix=fix)


def _check_figure(figure: Decimal) -> None:
    is_fine = (
        figure.is_finite()
        and 0 <= figure < FIGURE_BELOW
        and figure == figure.quantize(Decimal(1).scaleb(-FIGURE_PLACES))
    )
    if not is_fine:
        fix = _("Give a figure of 0 or more, with at most 6 decimals.")
        raise AssessmentInvalid(field=_("The figure"), value=figure, fix=fix)
