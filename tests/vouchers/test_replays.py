"""Every past decision can be worked out again from what was kept, by its own law."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from ledger.queries import extent
from tests import cast
from vouchers import actions
from vouchers.models import Decision, Programme
from vouchers.queries.replays import replays

pytestmark = pytest.mark.django_db


def replay(*more):
    said = io.StringIO()
    call_command("replay_decisions", *more, stdout=said)
    return said.getvalue()


@pytest.fixture
def decided():
    """An approval in each of three modes, one below what was recommended, and a refusal."""
    authority = cast.make_authority()
    three = cast.make_programme(authority, cast.M3)
    return [
        cast.an_approved_application(three, cast.an_sme()),
        cast.an_approved_application(three, cast.an_sme(), awarded=100_00),
        cast.an_approved_application(cast.make_programme(authority, cast.M1), cast.an_sme()),
        cast.an_approved_application(
            cast.make_programme(authority, cast.M5),
            cast.a_laboratory(country="GB", region="GB-LND"),
        ),
    ]


def test_decisions_in_every_mode_come_out_as_they_were_kept(decided):
    before = extent()

    assert replay() == f"{len(decided)} decisions worked out again.\n"
    assert json.loads(replay("--programme", cast.M3, "--json")) == {
        "decisions": 2,
        "differences": [],
    }
    assert extent() == before


def test_a_decision_that_comes_out_otherwise_is_named_with_both_amounts(decided):
    kept = decided[0]
    changed = Decision.objects.get(pk=kept.pk)
    changed.pk, changed.recommended = None, kept.recommended + 1
    changed.save(force_insert=True)

    with pytest.raises(CommandError, match="1 differences"):
        replay()
    said = io.StringIO()
    with pytest.raises(CommandError):
        call_command("replay_decisions", stdout=said)
    assert said.getvalue().splitlines() == [
        f"{kept.application.reference}, decision {changed.pk}, recommended: "
        f"kept {kept.recommended + 1}; worked out again {kept.recommended}",
        f"{len(decided) + 1} decisions worked out again.",
    ]


def test_facts_that_can_not_be_read_any_more_are_a_difference_and_no_traceback(decided):
    broken = Decision.objects.get(pk=decided[0].pk)
    broken.pk = None
    broken.facts = {"claim": {"as_of": "never"}}
    broken.save(force_insert=True)

    found = io.StringIO()
    with pytest.raises(CommandError, match="1 differences"):
        call_command("replay_decisions", "--json", stdout=found)

    (difference,) = json.loads(found.getvalue())["differences"]
    assert difference["what"] == "facts"
    assert "claim.as_of: 'never' can't be read" in difference["found"]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("cn-hangzhou-2025", "facilities, resources"),
        ("ca-aicaf-2025", "regions, used"),
    ],
)
def test_a_document_that_asks_what_no_page_asks_makes_no_programme(code, named):
    authority = cast.make_authority()
    before = extent()

    with pytest.raises(actions.FactsNotAsked, match=named):
        actions.create_programme(
            code=code,
            title="Shares by facility",
            title_zh="分档",
            authority=authority.organisation,
            text=cast.policy_text(code),
            actor=authority.officer,
            at=cast.NOON,
            key="k",
        )

    assert Programme.objects.count() == 0
    assert extent() == before


def test_decisions_of_targets_and_matches_come_out_again_as_they_were_kept():
    cast.a_target()
    scheme, firm = cast.a_match(), cast.an_sme("Matched Ltd", region="CN-3301")
    cast.followed(cast.recorded(scheme, cast.an_award(firm)))

    found = list(replays())

    assert len(found) == 2
    assert [one.differences for one in found] == [(), ()]
