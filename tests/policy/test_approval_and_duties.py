"""An award needs so many people, and no person may check what the same person did."""

import pytest

from common.money import GPU_MS_PER_HOUR
from policy import approval
from policy.duties import APART, may_act
from policy.programme import read, shipped

DOCUMENTS = shipped()
OFFSET = read(DOCUMENTS["cn-chengdu-2025"])
IN_KIND = read(DOCUMENTS["uk-airr"])


@pytest.mark.parametrize(
    ("amount", "name", "people"),
    [
        (0, "AUTOMATIC", 0),
        (50_000_00, "AUTOMATIC", 0),
        (50_000_01, "ONE_OFFICER", 1),
        (1_000_000_00, "ONE_OFFICER", 1),
        (1_000_000_01, "TWO_OFFICERS", 2),
        (10**15, "TWO_OFFICERS", 2),
    ],
)
def test_an_amount_falls_in_one_tier(amount, name, people):
    tier = approval.tier(amount, OFFSET)

    assert (tier.name, tier.people) == (name, people)


@pytest.mark.parametrize(
    ("gpu_ms", "people"),
    [
        (1_000 * GPU_MS_PER_HOUR, 0),
        (1_000 * GPU_MS_PER_HOUR + 1, 1),
        (20_001 * GPU_MS_PER_HOUR, 2),
    ],
)
def test_hours_in_kind_have_tiers_too(gpu_ms, people):
    assert approval.tier(gpu_ms, IN_KIND).people == people


@pytest.mark.parametrize(
    ("act", "before"),
    [
        ("release_policy", "propose_policy"),
        ("decide_application", "submit_application"),
        ("confirm_decision", "decide_application"),
        ("settle_bill", "decide_application"),
        ("settle_bill", "submit_bill"),
        ("approve_batch", "prepare_batch"),
        ("authorise_batch", "prepare_batch"),
        ("authorise_batch", "approve_batch"),
        ("change_batch", "approve_batch"),
        ("release_batch", "prepare_batch"),
        ("release_batch", "authorise_batch"),
        ("release_batch", "approve_batch"),
        ("approve_bank_detail", "propose_bank_detail"),
        ("decide_accreditation", "apply_for_accreditation"),
        ("release_rule", "propose_rule"),
        ("record_collection", "propose_collection"),
        ("approve_suspension", "propose_suspension"),
        ("decide_appeal", "decide_application"),
    ],
)
def test_two_duties_are_two_people(act, before):
    same = may_act(act, "ana", {before: "ana"})
    other = may_act(act, "ben", {before: "ana"})

    assert not same.allowed
    assert same.reason_en.startswith("You ")
    assert same.reason_zh.startswith("您已")
    assert (other.allowed, other.reason_en, other.reason_zh) == (True, "", "")


def test_the_reason_names_what_the_person_did():
    permission = may_act("release_batch", "ana", {"approve_batch": "ana"})

    assert permission.reason_en == (
        "You approved the batch, so another person must do this step. "
        "Ask a colleague with the same role."
    )


def test_one_of_several_earlier_people_is_enough_to_refuse():
    earlier = {"decide_application": {"ana", "ben"}}

    assert not may_act("settle_bill", "ben", earlier).allowed
    assert may_act("settle_bill", "cem", earlier).allowed


def test_a_name_within_a_name_is_another_person():
    assert may_act("release_policy", "an", {"propose_policy": "ana"}).allowed


def test_a_batch_takes_three_people():
    crew = ["ana", "ben", "cem"]
    earlier = {"prepare_batch": "ana", "approve_batch": "ben"}

    assert [may_act("release_batch", person, earlier).allowed for person in crew] == [
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("act", [act for act, before in APART.items() if not before])
def test_the_first_act_of_a_chain_is_open(act):
    assert may_act(act, "ana", dict.fromkeys(APART, "ana")).allowed


def test_a_misspelt_act_opens_no_door():
    with pytest.raises(ValueError, match="No duty is known for 'relaese_batch'"):
        may_act("relaese_batch", "ana", {})


def test_a_programme_adds_pairs_and_takes_none_away():
    programme = read(
        DOCUMENTS["cn-chengdu-2025"]
        + '\n[duties]\nclause = "x"\n\n[[duties.apart]]\nact = "settle_bill"\n'
        'after = "prepare_batch"\n\n[[duties.apart]]\nact = "visit_site"\n'
        'after = "settle_bill"\n'
    )

    added = may_act("settle_bill", "ana", {"prepare_batch": "ana"}, programme)
    kept = may_act("settle_bill", "ana", {"decide_application": "ana"}, programme)
    own = may_act("visit_site", "ana", {"settle_bill": "ana"}, programme)

    assert not added.allowed
    assert not kept.allowed
    assert not own.allowed
    assert own.reason_en.startswith("You did “settle_bill”")
    assert may_act("settle_bill", "ana", {"prepare_batch": "ana"}, OFFSET).allowed
