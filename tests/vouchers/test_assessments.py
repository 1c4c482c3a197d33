"""What a third party found of a target is recorded by another officer, and never changed."""

from datetime import date
from decimal import Decimal

import pytest

from ledger.actions import KeyReused
from ledger.queries import extent
from parties.queries import NotAllowed, SamePerson
from tests import cast
from tests.billing import stage
from vouchers import actions
from vouchers.models import Assessment, Voucher
from vouchers.queries import newest_assessment

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    return cast.a_target()


def state(scene):
    return extent(), stage.nets(scene.scheme.programme), Assessment.objects.count()


def refused(error, scene, **more):
    """Assert that an assessment is refused and nothing moved; return the refusal."""
    before = state(scene)
    with pytest.raises(error) as refusal:
        cast.an_assessment(scene, **more)
    assert state(scene) == before
    return str(refusal.value)


def test_the_newest_assessment_counts_and_the_older_stays(scene):
    before = stage.nets(scene.scheme.programme)
    first = cast.an_assessment(scene, "4000")
    second = cast.an_assessment(scene, "2600.5")

    assert newest_assessment(scene.voucher) == second
    assert [one.figure for one in Assessment.objects.order_by("pk")] == [
        Decimal(4000),
        Decimal("2600.5"),
    ]
    assert first.recorded_by == scene.authority.second_officer
    assert stage.nets(scene.scheme.programme) == before


def test_asked_twice_it_is_recorded_once_and_another_figure_is_refused(scene):
    once = cast.an_assessment(scene, key="k")
    assert cast.an_assessment(scene, key="k") == once
    with pytest.raises(KeyReused):
        cast.an_assessment(scene, "4001", key="k")
    assert Assessment.objects.count() == 1


def test_who_decided_the_award_may_not_record_what_it_earns(scene):
    said = refused(SamePerson, scene, actor=scene.authority.officer)
    assert "another person must do this step" in said


@pytest.mark.parametrize("who", ["admin", "investigator", "regulator"])
def test_only_an_officer_of_the_programme_records(scene, who):
    refused(NotAllowed, scene, actor=getattr(scene.authority, who))
    refused(NotAllowed, scene, actor=scene.applicant.person)
    refused(NotAllowed, scene, actor=scene.seller.person)
    refused(NotAllowed, scene, actor=cast.make_authority("Other Bureau").officer)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("figure", Decimal(-1), "0 or more"),
        ("figure", Decimal("NaN"), "0 or more"),
        ("figure", Decimal(10) ** 12, "0 or more"),
        ("figure", Decimal("0.0000001"), "at most 6 decimals"),
        ("assessor", "  ", "1 to 200 characters"),
        ("assessor", "x" * 201, "1 to 200 characters"),
        ("evidence", "", "1 to 4000 characters"),
        ("assessed_on", date(2026, 1, 1), "from 2025-06-02 to 2025-12-31"),
        ("assessed_on", date(2025, 6, 1), "from 2025-06-02 to 2025-12-31"),
    ],
)
def test_what_can_not_be_is_refused_with_its_fix(scene, field, value, said):
    assert said in refused(actions.AssessmentInvalid, scene, **{field: value})


def test_a_voucher_that_is_over_or_has_no_target_is_not_assessed(scene):
    other = cast.make_scene()
    with pytest.raises(actions.NoTarget, match=other.voucher.code):
        cast.an_assessment(other)
    Voucher.objects.filter(pk=scene.voucher.pk).update(status=Voucher.Status.EXPIRED)
    refused(actions.VoucherOver, scene)


def test_a_target_letter_names_both_sides():
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, cast.M7, text=cast.PAYS_DEMAND, budget=10**10)
    applicant = cast.an_sme(region="CN-6210")

    for provider in ("", "O-NOBODY"):
        with pytest.raises(actions.AnswersMissing, match="provider_code"):
            cast.a_sent_application(scheme, applicant, provider_code=provider)


def test_a_holder_gives_back_only_what_would_be_its_own(scene):
    before = state(scene)
    with pytest.raises(actions.OtherSideIsPaid, match="Acme Compute"):
        actions.return_voucher(
            voucher=scene.voucher,
            amount=None,
            actor=scene.applicant.person,
            at=cast.NOON,
            key="return",
        )
    assert state(scene) == before
