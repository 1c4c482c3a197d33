"""Whatever holders say while a bill is being settled: each line is decided once, by one word."""

from datetime import timedelta

import pytest

from billing import actions
from billing.models import LineConfirmation, Objection, Verdict
from tests import cast
from tests.billing import stage
from tests.billing.test_billing_races import CROWD, outcomes
from tests.billing.test_confirm_lines import a_scene
from tests.ledger.book import at_once

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(committed_db):
    """A bill of two lines of 500.00; 300.00 of each is the voucher's."""
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    records = [stage.a_record(order.code, f"job-{n}", hours=20) for n in (1, 2)]
    assert stage.record(scene.seller, *records).recorded == 2
    return scene


def confirm(scene, bill, key):
    return actions.confirm_lines(
        bill=bill, rows=None, actor=scene.applicant.person, at=stage.LATER, key=key
    )


def object_to(scene, bill, key, row=1):
    return actions.object_to_line(
        line=bill.lines.get(row=row),
        note="Not ours",
        actor=scene.applicant.person,
        at=stage.LATER,
        key=key,
    )


def test_many_clicks_confirm_once(scene):
    bill = stage.bill(scene)

    answers = at_once(CROWD, lambda number: confirm(scene, bill, f"click {number}"))

    assert outcomes(answers) == (1, {"nothing_to_confirm"})
    assert LineConfirmation.objects.count() == 2


def test_a_line_is_confirmed_or_disputed_and_never_both(scene):
    bill = stage.bill(scene)

    answers = at_once(
        CROWD,
        lambda n: confirm(scene, bill, f"c{n}") if n % 2 else object_to(scene, bill, f"o{n}"),
    )

    done, codes = outcomes(answers)
    assert codes <= {"nothing_to_confirm", "line_confirmed", "line_disputed"}
    disputed = set(Objection.objects.values_list("line__row", flat=True))
    confirmed = set(LineConfirmation.objects.values_list("line__row", flat=True))
    assert disputed | confirmed == {1, 2}
    assert not disputed & confirmed
    assert done == (2 if disputed else 1)


def test_an_objection_races_the_settlement_and_one_of_them_is_first(scene):
    bill = stage.bill(scene)

    answers = at_once(
        CROWD, lambda n: stage.settle(bill) if n % 2 else object_to(scene, bill, f"o{n}")
    )

    _done, codes = outcomes(answers)
    is_disputed = Objection.objects.exists()
    assert codes == ({"line_disputed", "bill_settled"} & codes)
    assert Verdict.objects.count() == 2
    assert stage.payable(scene) == (300_00 if is_disputed else 600_00)
    assert stage.held(scene.voucher.orders.get()) == (1_200_00 if is_disputed else 900_00)
    stage.assert_in_step()


def test_officers_and_silence_at_once_decide_a_line_once(committed_db):
    text = cast.policy_text(cast.M3).replace(
        "\n[settlement]\n",
        '\n[settlement]\nverdict_days = 10\nverdict_silence = "ACCEPTS"\n',
    )
    scene = a_scene(text)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=20)
    bill = stage.bill(scene)
    object_to(scene, bill, "object")
    stage.settle(bill)
    at = stage.LATER + timedelta(days=10)

    def decide(number):
        line = bill.lines.get(row=1)
        if number % 3 == 0:
            return actions.decide_by_silence(line=line, at=at, key="silence")
        return actions.decide_line(
            line=line,
            accept=True,
            amount=100_00 if number % 3 == 1 else None,
            note="A look",
            actor=scene.authority.finance[0],
            at=at,
            key=f"look {number}",
        )

    answers = at_once(CROWD, decide)

    done, codes = outcomes(answers)
    assert codes <= {"line_not_withheld"}
    # Of silence every one gets the first time's answer; of officers one is first at most.
    assert done in (1, CROWD // 3)
    assert Verdict.objects.count() == 2
    assert stage.payable(scene) in (60_00, 300_00)
    assert stage.held(order) == 1_500_00 - stage.payable(scene)
    stage.assert_in_step()
