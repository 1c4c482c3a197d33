"""A voucher's score follows from its facts alone, and a standing from the scores alone."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from scoring.performance import (
    ScoredVoucher,
    VoucherFacts,
    perform,
    planned_shares,
    standing_of,
)

WHOLE = VoucherFacts(
    issued=1_000,
    consumed=600,
    returned_early=0,
    is_ended=True,
    milestone_due_on=date(2025, 9, 30),
    milestone_done_on=date(2025, 9, 1),
    outcomes={"MODEL": 1},
    is_report_due=True,
    is_reported=True,
    peer_yield=None,
    planned={"2025-06": Decimal("0.5"), "2025-07": Decimal("0.5")},
    used={"2025-06": Decimal("0.75"), "2025-07": Decimal("0.25")},
    claim_lines=0,
    claim_lines_declined=0,
    scored_on=date(2026, 9, 1),
)


def scored(organisation: str, x: str, *, kind: str = "SME", number: int = 1) -> ScoredVoucher:
    return ScoredVoucher(
        organisation=organisation,
        kind=kind,
        voucher=f"V-{organisation}{number}",
        x=Decimal(x),
        observed_weight=Decimal(1),
        size=Decimal(1),
        age_months=Decimal(0),
    )


def test_a_whole_score_is_the_weighted_sum_of_its_components():
    found = perform(WHOLE)
    assert found.components == {
        "use": Decimal("0.6000"),
        "milestones": Decimal(1),
        "outcomes": Decimal("0.5000"),
        "forecast": Decimal("0.7500"),
        "compliance": Decimal("1.0000"),
    }
    assert found.x == Decimal("0.7300")
    assert found.observed_weight == 1


def test_giving_back_what_is_not_used_scores_more_than_letting_it_expire():
    kept = perform(WHOLE).components["use"]
    returned = perform(replace(WHOLE, returned_early=300)).components["use"]
    assert (kept, returned) == (Decimal("0.6000"), Decimal("0.8571"))


def test_what_is_not_known_yet_drops_out_and_the_rest_is_weighed_up():
    facts = replace(WHOLE, is_ended=False, milestone_due_on=None)
    found = perform(facts)
    assert found.components["use"] is None
    assert found.components["milestones"] is None
    assert found.components["forecast"] is None
    assert found.observed_weight == Decimal("0.3500")
    # (0.25 x 0.5 + 0.10 x 1) / 0.35
    assert found.x == Decimal("0.6429")


def test_nothing_is_held_against_a_voucher_that_nobody_had_to_report_on_yet():
    facts = replace(
        WHOLE, is_report_due=False, is_reported=False, outcomes={}, milestone_due_on=None
    )
    assert perform(facts).components["outcomes"] is None
    assert perform(facts).components["compliance"] is None


def test_a_report_that_is_overdue_counts_as_nothing_reported():
    facts = replace(WHOLE, is_reported=False, outcomes={}, milestone_done_on=None)
    found = perform(facts).components
    assert found["outcomes"] == 0
    assert found["milestones"] == 0
    assert found["compliance"] == Decimal("0.5000")


def test_the_median_peer_gets_a_half_for_outcomes():
    facts = replace(WHOLE, outcomes={"PAPER": 2}, peer_yield=Decimal("0.0016"))
    assert perform(facts).components["outcomes"] == Decimal("0.5000")


def test_each_further_outcome_counts_less():
    values = [
        perform(replace(WHOLE, outcomes={"MODEL": count})).components["outcomes"]
        for count in (1, 2, 3)
    ]
    assert values == [Decimal("0.5000"), Decimal("0.7500"), Decimal("0.8750")]


def test_a_plan_is_spread_evenly_over_its_days():
    assert planned_shares(date(2025, 6, 16), date(2025, 7, 15)) == {
        "2025-06": Decimal("0.5"),
        "2025-07": Decimal("0.5"),
    }


def test_days_at_the_end_of_the_calendar_are_scored_like_others():
    assert planned_shares(date(9999, 12, 1), date(9999, 12, 31)) == {"9999-12": Decimal(1)}
    far = replace(WHOLE, milestone_due_on=date.max, milestone_done_on=None)
    assert perform(far).components["milestones"] is None
    done = replace(far, milestone_done_on=date(2025, 9, 1))
    assert perform(done).components["milestones"] == 1
    early = replace(far, milestone_due_on=date.min)
    assert perform(early).components["milestones"] == 0


def test_facts_that_were_stored_give_the_same_score_again():
    facts = replace(WHOLE, peer_yield=Decimal("0.0007"))
    assert VoucherFacts.from_dict(facts.to_dict()) == facts
    assert perform(VoucherFacts.from_dict(facts.to_dict())) == perform(facts)


# --- standings -------------------------------------------------------------------------------


def test_with_too_few_peers_the_stated_prior_is_used():
    found = standing_of([scored("A", "0.9000")], "A")
    # B = 0.01 / (0.01 + 0.0484), so 0.5 + B x 0.4, and z = B x 0.4 / 0.1.
    assert found.score == Decimal("0.5685")
    assert found.z == Decimal("0.6849")
    assert found.n == Decimal("1.0000")
    assert "prior" in found.working[-1].clause


def test_more_vouchers_of_the_same_score_say_more():
    one = standing_of([scored("A", "0.9000")], "A")
    many = standing_of([scored("A", "0.9000", number=n) for n in range(8)], "A")
    assert many.n == 8
    assert one.z < many.z < Decimal("2.5000")


def test_a_standing_never_passes_its_limit():
    worst = standing_of([scored("A", "0.0000", number=n) for n in range(60)], "A")
    assert worst.z == Decimal("-2.5")


def test_a_newcomer_stands_as_its_peers():
    found = standing_of([scored("A", "0.9000")], "B")
    assert (found.z, found.n) == (0, 0)


def test_peers_of_the_same_kind_are_estimated_from_their_scores():
    group = [
        scored(name, x, number=number)
        for name, values in (
            ("A", ("0.2000", "0.3000")),
            ("B", ("0.5000", "0.6000")),
            ("C", ("0.8000", "0.9000")),
        )
        for number, x in enumerate(values)
    ]
    # Within: each pair lies 0.05 around its mean, so s2 = 3 x 0.005 / 3; the prior stands in for
    # 17 of 20 repeaters: (17 x 0.0484 + 3 x 0.005) / 20 = 0.04189. Between, by DerSimonian and
    # Laird: (2 x 0.09 x 2 / 0.04189 - 2) / (2 x 2 / 0.04189) = 0.069055.
    found = standing_of([*group, scored("D", "0.1000", kind="UNIVERSITY")], "C")
    lines = {line.name: line.amount for line in found.working}
    assert lines["peer_mean"] == "0.5500"
    assert lines["within"] == "0.2047"
    assert lines["between"] == "0.2628"
    assert lines["shrink"] == "0.7673"
    assert found.score == Decimal("0.7802")
    assert found.z == Decimal("0.8759")


def test_peers_that_differ_by_chance_alone_leave_everybody_at_nought():
    same = [scored(name, "0.5000") for name in "ABC"]
    assert standing_of(same, "A").z == 0


@pytest.mark.parametrize("age", [0, 24, 48])
def test_old_vouchers_count_half_every_two_years(age):
    old = replace(scored("A", "0.1000", number=1), age_months=Decimal(age))
    new = scored("A", "0.9000", number=2)
    lines = {line.name: line.amount for line in standing_of([old, new], "A").working}
    share = Decimal(1) / (1 + 2 ** (age // 24))
    assert Decimal(lines["mean"]) == (Decimal("0.9") - Decimal("0.8") * share).quantize(
        Decimal("0.0001")
    )


def test_the_working_says_the_same_in_both_languages():
    found = standing_of([scored("A", "0.9000")], "A")
    assert all(line.label_en and line.label_zh for line in found.working)
    assert found.working[0].name == "voucher:V-A1"
