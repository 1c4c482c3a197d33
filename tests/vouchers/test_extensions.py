"""More days within the law, and an end by decision: once, by those who may, nothing lost."""

from datetime import timedelta

import pytest

from ledger.queries import accounts_out_of_step
from notices import actions as notices
from notices.models import Message
from parties.queries import NotAllowed
from tests import cast
from tests.cast import NOON, a_key
from tests.cast.committee import law
from vouchers import actions, queries
from vouchers.models import Extension, ExtensionVerdict, Revocation, Voucher

pytestmark = pytest.mark.django_db


def holding(by="OFFICER", days=60, times=1):
    return (
        f'[voucher]\nclause = "Article 13"\nextension_days_max = {days}\n'
        f'extensions_max = {times}\nextension_by = "{by}"\n'
    )


@pytest.fixture
def authority(db):
    return cast.make_authority()


@pytest.fixture
def applicant(db):
    return cast.an_sme()


def voucher_under(authority, applicant, *sections):
    return cast.an_issued_voucher(
        cast.make_programme(authority, text=law(*sections)), applicant
    )


def ask(voucher, applicant, days=30, *, at=NOON, key=None, reason="The chips are late."):
    return actions.request_extension(
        voucher=voucher,
        days=days,
        reason=reason,
        actor=applicant.person,
        at=at,
        key=key or a_key("ask"),
    )


def answer(extension, actor, outcome="GRANTED", *, note="", at=NOON, key=None):
    return actions.decide_extension(
        extension=extension,
        outcome=outcome,
        note=note,
        actor=actor,
        at=at,
        key=key or a_key("answer"),
    )


def last_day(voucher):
    return Voucher.objects.get(pk=voucher.pk).valid_until_on


# --- more days -------------------------------------------------------------------------------


def test_an_officer_gives_the_days_once(authority, applicant):
    voucher = voucher_under(authority, applicant, holding())
    before = voucher.valid_until_on
    extension = ask(voucher, applicant)
    assert last_day(voucher) == before
    first, again = (answer(extension, authority.officer, key="one") for _turn in range(2))
    assert first == again
    assert last_day(voucher) == before + timedelta(days=30)
    with pytest.raises(actions.ExtensionDecided):
        answer(extension, authority.second_officer)
    with pytest.raises(actions.NoMoreExtensions):
        ask(voucher, applicant)
    assert last_day(voucher) == before + timedelta(days=30)


def test_where_the_law_needs_nobody_they_are_given_at_once(authority, applicant):
    voucher = voucher_under(authority, applicant, holding("RULE", times=2))
    before = voucher.valid_until_on
    for turn in range(2):
        ask(voucher, applicant, key="the same")
        assert last_day(voucher) == before + timedelta(days=30), turn
    ask(voucher, applicant, days=60)
    assert last_day(voucher) == before + timedelta(days=90)
    assert ExtensionVerdict.objects.filter(decided_by__isnull=True).count() == 2


def test_refused_days_are_refused_with_a_reason(authority, applicant):
    voucher = voucher_under(authority, applicant, holding())
    extension = ask(voucher, applicant)
    with pytest.raises(actions.NoteMissing):
        answer(extension, authority.officer, "REFUSED")
    answer(extension, authority.officer, "REFUSED", note="The round is over.")
    assert last_day(voucher) == voucher.valid_until_on
    # What was refused may be asked for again.
    assert ask(voucher, applicant)


@pytest.mark.parametrize(
    ("days", "refusal"), [(61, "ExtensionTooLong"), (0, "ExtensionTooLong")]
)
def test_no_more_days_than_the_law_gives(authority, applicant, days, refusal):
    voucher = voucher_under(authority, applicant, holding())
    with pytest.raises(getattr(actions, refusal)):
        ask(voucher, applicant, days)
    assert not Extension.objects.exists()


def test_a_law_that_says_nothing_gives_no_days(authority, applicant):
    voucher = cast.an_issued_voucher(cast.make_programme(authority), applicant)
    with pytest.raises(actions.NoMoreExtensions):
        ask(voucher, applicant)


def test_one_request_at_a_time_and_by_the_holder(authority, applicant):
    voucher = voucher_under(authority, applicant, holding())
    with pytest.raises(NotAllowed):
        ask(voucher, cast.an_sme("Another Ltd"))
    ask(voucher, applicant)
    with pytest.raises(actions.ExtensionOpen):
        ask(voucher, applicant)
    assert Extension.objects.count() == 1


def test_a_voucher_that_is_over_gets_no_days(authority, applicant):
    voucher = voucher_under(authority, applicant, holding())
    late = NOON + timedelta(days=400)
    extension = ask(voucher, applicant)
    with pytest.raises(actions.VoucherExpired):
        answer(extension, authority.officer, at=late)
    with pytest.raises(actions.VoucherExpired):
        ask(voucher, applicant, at=late)
    assert not ExtensionVerdict.objects.exists()


def test_an_extended_voucher_expires_on_its_new_day(authority, applicant):
    voucher = voucher_under(authority, applicant, holding("RULE"))
    ask(voucher, applicant)
    old_end = NOON + timedelta(days=(voucher.valid_until_on - NOON.date()).days + 1)
    with pytest.raises(actions.NotExpiredYet):
        actions.expire_voucher(voucher=voucher, at=old_end, key=a_key())
    actions.expire_voucher(voucher=voucher, at=old_end + timedelta(days=30), key=a_key())
    assert queries.budget_available(voucher.programme) == 10_000_000_00


def test_reminders_come_thirty_fourteen_seven_and_one_day_before_and_again_after_more_days(
    authority, applicant
):
    voucher = voucher_under(authority, applicant, holding("RULE"))
    end = NOON + timedelta(days=(voucher.valid_until_on - NOON.date()).days)

    def reminded(until, *days):
        for left in days:
            for _turn in range(2):
                notices.write_reminders(at=until - timedelta(days=left))
        return list(
            Message.objects.filter(kind__startswith="expires").values_list("kind", flat=True)
        )

    kinds = ["expires_30", "expires_14", "expires_7", "expires_1"]
    assert reminded(end, 31, 30, 14, 7, 1) == kinds
    ask(voucher, applicant, at=end - timedelta(days=1))
    assert reminded(end + timedelta(days=30), 31, 30, 14, 7, 1) == kinds * 2


# --- an end by decision ----------------------------------------------------------------------


def revoke(scene, *, key=None, again=True, note="False statements."):
    return actions.revoke_voucher(
        voucher=scene.voucher,
        note=note,
        may_apply_again=again,
        actor=scene.authority.officer,
        at=NOON,
        key=key or a_key("revoke"),
    )


def test_a_revoked_voucher_gives_back_what_is_free_and_keeps_what_is_held():
    scene = cast.make_scene()
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)  # 1,500.00
    first, again = (revoke(scene, key="one") for _turn in range(2))
    assert first == again
    balance = queries.voucher_balance(scene.voucher)
    assert (balance.net, balance.pending) == (1_500_00, 1_500_00)
    with pytest.raises(actions.VoucherOver):
        cast.a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="two")
    with pytest.raises(actions.VoucherOver):
        revoke(scene)

    actions.release_hold(order=order, actor=scene.applicant.person, at=NOON, key=a_key())
    assert queries.vouchers_expired_by(NOON) == [scene.voucher]
    actions.expire_voucher(voucher=scene.voucher, at=NOON, key=a_key())
    assert queries.budget_available(scene.voucher.programme) == 10_000_000_00
    scene.voucher.refresh_from_db()
    assert scene.voucher.status == Voucher.Status.REVOKED
    assert accounts_out_of_step() == []


def test_revoking_needs_an_officer_and_a_reason():
    scene = cast.make_scene()
    with pytest.raises(actions.NoteMissing):
        revoke(scene, note=" ")
    with pytest.raises(NotAllowed):
        actions.revoke_voucher(
            voucher=scene.voucher,
            note="Mine now.",
            may_apply_again=True,
            actor=scene.authority.finance[0],
            at=NOON,
            key=a_key(),
        )
    assert not Revocation.objects.exists()
    assert queries.voucher_balance(scene.voucher).free == 60_000_00


def test_who_may_not_apply_again_is_told_when_sending():
    scene = cast.make_scene()
    revoke(scene, again=False)
    round = cast.a_round(
        scene.authority, scene.scheme.programme, budget=1_000_00, code="2025-B"
    )
    draft = actions.save_draft(
        round=round,
        organisation=scene.applicant.organisation,
        answers=cast.answers_for(scene.scheme.programme),
        actor=scene.applicant.person,
        at=NOON,
    )
    with pytest.raises(actions.MayNotApplyAgain, match=scene.voucher.code):
        actions.submit_application(
            application=draft, actor=scene.applicant.person, at=NOON, key=a_key()
        )
    draft.refresh_from_db()
    assert draft.status == "DRAFT"


@pytest.mark.parametrize(
    ("what", "stance"), [("split", "REFER"), ("transfer", "ALLOW"), ("transfer", "REFER")]
)
def test_a_document_whose_vouchers_would_be_given_away_is_refused(authority, what, stance):
    text = law(f'[voucher]\nclause = "Article 13"\n{what} = "{stance}"\n')
    with pytest.raises(actions.HoldingNotRun, match=what):
        cast.make_programme(authority, text=text)
