"""A new version's simulation on past applications is what deciding them anew gives."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.queries import extent
from policy.differences import differences
from policy.programme import read
from tests import cast
from vouchers import actions, queries
from vouchers.models import Decision
from vouchers.queries.simulations import simulate

pytestmark = pytest.mark.django_db

LATER = cast.NOON + timedelta(days=1)


def law(rate="0.60", cap="5000000"):
    text = cast.policy_text(cast.M3)
    return text.replace('rate = "0.60"', f'rate = "{rate}"').replace(
        'amount = "5000000"', f'amount = "{cap}"'
    )


def put_in_force(scheme, text):
    version = actions.propose_policy(
        programme=scheme.programme,
        text=text,
        note="Another share.",
        actor=scheme.authority.officer,
        at=LATER,
        key=cast.a_key("propose"),
    )
    actions.release_policy(
        version=version,
        effective_from_on=LATER.date(),
        actor=scheme.authority.second_officer,
        at=LATER,
        key=cast.a_key("release"),
    )


@pytest.fixture
def scheme():
    return cast.make_programme(cast.make_authority())


def test_who_gains_and_loses_and_what_it_costs_is_told_and_nothing_moves(scheme):
    cast.an_approved_application(scheme, cast.an_sme(), fee_total="100000.00")
    cast.an_approved_application(scheme, cast.an_sme(), fee_total="9000000.00")
    before = extent()

    found = simulate(scheme.programme, read(law(rate="0.70", cap="4000000")))

    assert [row.effect for row in found.gain] == [10_000_00]
    assert [row.effect for row in found.lose] == [-1_000_000_00]
    assert (found.before, found.after) == (5_060_000_00, 4_070_000_00)
    assert found.effect == -990_000_00
    assert extent() == before


@given(
    fees=st.lists(st.integers(1, 12_000_000), min_size=1, max_size=4),
    rate=st.sampled_from(["0.10", "0.55", "0.60", "1"]),
    cap=st.sampled_from(["1000", "3000000", "9000000"]),
)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_simulation_equals_deciding_anew(fees, rate, cap):
    with transaction.atomic():
        scheme = cast.make_programme(
            cast.make_authority(), code=cast.M3, text=law(), budget=500_000_000_00
        )
        decisions = [
            cast.an_approved_application(scheme, cast.an_sme(), fee_total=f"{fee}.00")
            for fee in fees
        ]
        simulated = {
            row.application: row.after
            for row in simulate(scheme.programme, read(law(rate, cap))).rows
        }
        for decision in decisions:
            actions.undo_decision(
                decision=decision,
                note="To be decided anew.",
                actor=scheme.authority.second_officer,
                at=cast.NOON,
                key=cast.a_key("undo"),
            )
        put_in_force(scheme, law(rate, cap))

        anew = {}
        for decision in decisions:
            application = decision.application
            application.refresh_from_db()
            anew[application.reference] = queries.proposal_of(
                application, LATER
            ).award.recommended

        assert anew == simulated
        transaction.set_rollback(True)


def test_a_decision_that_was_undone_does_not_count(scheme):
    decision = cast.an_approved_application(scheme, cast.an_sme())
    actions.undo_decision(
        decision=decision,
        note="Misread.",
        actor=scheme.authority.second_officer,
        at=cast.NOON,
        key="u",
    )

    assert simulate(scheme.programme, read(law())).rows == []
    assert Decision.objects.count() == 2


def test_the_command_says_the_effect_on_the_budget(scheme, tmp_path):
    cast.an_approved_application(scheme, cast.an_sme(), fee_total="100000.00")
    document = tmp_path / "law.toml"
    document.write_text(law(rate="0.50"), "utf-8")
    said = io.StringIO()

    call_command(
        "simulate_policy", "--programme", cast.M3, "--document", str(document), stdout=said
    )

    assert json.loads(said.getvalue()) == {
        "programme": cast.M3,
        "unit": "CNY",
        "applications": 1,
        "left_out": 0,
        "gain": 0,
        "lose": 1,
        "before": "60000",
        "after": "50000",
        "effect": "-10000",
    }


def test_changes_are_said_in_words_with_their_clause():
    before, after = read(law()), read(law(rate="2/3", cap="6000000"))

    found = differences(before, after)

    assert [(one.kind, one.place, one.before, one.after) for one in found] == [
        ("CHANGED", "[tiers 1] rate", "60 %", "2/3"),
        ("CHANGED", "[caps 1] amount", "5,000,000", "6,000,000"),
    ]
    assert found[0].en == "[tiers 1] rate changes from 60 % to 2/3."
    assert found[0].zh == "[tiers 1] rate 由 60 % 改为 2/3。"
    assert "60%" in found[0].clause
    assert differences(before, before) == ()


def test_the_officer_sees_words_and_effect_before_the_law_is_in_force(scheme, client):
    cast.an_approved_application(scheme, cast.an_sme(), fee_total="100000.00")
    version = actions.propose_policy(
        programme=scheme.programme,
        text=law(rate="0.50"),
        note="Less for more.",
        actor=scheme.authority.officer,
        at=cast.NOON,
        key="p",
    )
    client.force_login(scheme.authority.second_officer)

    page = client.get(reverse("policy_release", args=[cast.M3, version.number]))
    file = client.get(reverse("policy_simulation", args=[cast.M3, version.number]))

    text = page.content.decode()
    assert "[tiers 1] rate changes from 60 % to 50 %." in text
    assert "Who would have had less, the most first" in text
    assert "−¥10,000.00" in text
    (row,) = file.content.decode("utf-8-sig").splitlines()[1:]
    assert row.split(",")[2:] == ["CNY", "60000.00", "50000.00", "-10000.00", "PASS", "PASS"]


def test_a_stranger_keeps_no_simulation(scheme, client):
    client.force_login(cast.an_sme().person)

    assert client.get(reverse("policy_simulation", args=[cast.M3, 1])).status_code == 404


def test_what_a_person_decided_within_the_law_is_no_gain_of_a_new_one(scheme):
    application = cast.a_sent_application(scheme, cast.an_sme())
    actions.decide_application(
        application=application,
        outcome=Decision.Outcome.FAIL,
        awarded=None,
        note="The plan was not convincing.",
        actor=scheme.authority.officer,
        at=cast.NOON,
        key="d",
    )

    (row,) = simulate(scheme.programme, read(law())).rows

    assert (row.effect, row.outcome_before, row.outcome_after) == (0, "PASS", "PASS")
