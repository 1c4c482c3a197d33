"""A rule withholds by its numbers in force, keeps its answer, and is changed by two people."""

from datetime import timedelta

import pytest

from parties.queries import NotAllowed
from safeguards import actions
from safeguards.models import Alert, RuleVersion
from safeguards.queries import alerts_visible_to, rules_in_force
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    return scene


def release(scene, *, code="billed_above_meter", key="rule", proposed_by=None, **parameters):
    return actions.release_rule(
        code=code,
        parameters=parameters,
        from_at=stage.LATER,
        proposed_by=proposed_by or scene.authority.officer,
        actor=scene.authority.admin,
        at=stage.LATER,
        key=key,
    )


def test_the_first_versions_are_in_force_from_the_beginning():
    rules = rules_in_force(cast.NOON)

    assert {code: (one.number, one.parameters) for code, one in rules.items()} == {
        "billed_above_meter": (1, {"tolerance_ms": "0"}),
        "line_billed_before": (1, {}),
        "invoice_sent_before": (1, {}),
    }
    assert set(rules) == set(actions.RULES)


def test_a_new_tolerance_counts_from_its_instant(scene):
    version = release(scene, tolerance_ms=str(stage.HOUR))
    bill = stage.bill(scene, stage.a_line(hours=9))
    above = stage.bill(scene, stage.a_line(hours="9.5"), invoice="INV-2")

    assert rules_in_force(stage.LATER - timedelta(seconds=1))["billed_above_meter"].number == 1
    assert rules_in_force(stage.LATER)["billed_above_meter"] == version
    stage.settle(bill)
    assert stage.verdicts(bill) == [("ACCEPTED", 225_00, 0, 135_00, "")]
    stage.settle(above)
    assert stage.verdicts(above)[0][4] == "line_billed_before"


def test_a_rule_is_released_once_by_a_second_person_who_is_an_administrator(scene):
    first = release(scene, tolerance_ms="1")

    assert release(scene, tolerance_ms="1") == first
    assert release(scene, key="next", tolerance_ms="2").number == 3
    with pytest.raises(actions.RuleNeedsSecondPerson):
        release(scene, key="own", proposed_by=scene.authority.admin)
    with pytest.raises(actions.RuleUnknown):
        release(scene, key="new", code="guilty_by_name")
    with pytest.raises(NotAllowed):
        actions.release_rule(
            code="billed_above_meter",
            parameters={},
            from_at=stage.LATER,
            proposed_by=scene.authority.admin,
            actor=scene.authority.officer,
            at=stage.LATER,
            key="officer",
        )
    assert RuleVersion.objects.filter(code="billed_above_meter").count() == 3


def test_an_alert_about_a_thing_is_raised_once(scene):
    rule = rules_in_force(cast.NOON)["billed_above_meter"]
    asked = {
        "rule": rule,
        "about": "voucher:V-1",
        "value": 5,
        "unit": "CNY",
        "facts": {"n": 1},
        "actor": "system",
        "at": stage.LATER,
    }

    first = actions.raise_alert(**asked, key="a")
    again = actions.raise_alert(**asked, key="a")
    later = actions.raise_alert(**asked, key="b")

    assert first == again == later == Alert.objects.get()
    assert list(alerts_visible_to(scene.authority.investigator)) == [first]
    assert not alerts_visible_to(scene.seller.person).exists()
