"""An objection is replied to and decided within the law's days; silence means what it says."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from billing import actions, queries
from billing.models import Settlement, Verdict
from billing.queries.queues import queue_of
from billing.reasons import sentence
from billing.tasks import decide_silent_lines
from ledger import actions as ledger
from ledger.kinds import ActKind
from ledger.queries import acts_found, extent
from tests import cast
from tests.billing import stage
from tests.billing.test_confirm_lines import a_bill_of, a_scene, confirm, object_to

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
RAISED = stage.LATER
REPLY_UNTIL, VERDICT_UNTIL = RAISED + 3 * DAY, RAISED + 13 * DAY
DECLINED = ("DECLINED", 0, 100_00, 0)


def law(*lines):
    text = cast.policy_text(cast.M3)
    days = ("reply_days = 3", "verdict_days = 10", *lines)
    return text.replace("\n[settlement]\n", "\n".join(("\n[settlement]", *days, "")))


SILENT_PROVIDER = law('reply_silence = "DECLINES"')
SILENCE_ACCEPTS = law('verdict_silence = "ACCEPTS"')
SILENCE_DECLINES = law('verdict_silence = "DECLINES"')


def disputed(text, *, rows=(1,), settled=True):
    """Return a scene, its order and a bill of three lines, some of them disputed."""
    scene = a_scene(text)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    bill = a_bill_of(scene, order)
    for row in rows:
        object_to(scene, bill, row, key=f"object {row}")
    confirm(scene, bill)
    if settled:
        stage.settle(bill)
    return scene, order, bill


def reply(scene, bill, at=RAISED, actor=None, row=1):
    return actions.reply_to_objection(
        line=bill.lines.get(row=row),
        text="See the log",
        actor=actor or scene.seller.person,
        at=at,
        key=cast.a_key("reply"),
    )


def decide(scene, bill, at, *, accept=False, row=1):
    return actions.decide_line(
        line=bill.lines.get(row=row),
        accept=accept,
        note="Looked at",
        actor=scene.authority.finance[0],
        at=at,
        key=cast.a_key("decide"),
    )


def by_silence(bill, at, *, key="silence", row=1):
    return actions.decide_by_silence(line=bill.lines.get(row=row), at=at, key=key)


def swept(monkeypatch, at):
    monkeypatch.setattr(timezone, "now", lambda: at)
    decide_silent_lines()


def refused(error, scene, ask):
    before = extent(), stage.nets(scene.scheme.programme), Verdict.objects.count()
    with pytest.raises(error) as refusal:
        ask()
    after = extent(), stage.nets(scene.scheme.programme), Verdict.objects.count()
    assert after == before
    return str(refusal.value)


# --- the provider's days ----------------------------------------------------------------------


def test_nobody_decides_before_the_provider_replied_or_its_days_are_over():
    scene, _order, bill = disputed(law())

    for accept in (True, False):
        said = refused(
            actions.ProviderMayReply,
            scene,
            lambda accept=accept: decide(
                scene, bill, REPLY_UNTIL - timedelta(seconds=1), accept=accept
            ),
        )
        assert "Acme Compute may reply" in said
        assert "until 5 July 2025, 17:00" in said

    decide(scene, bill, REPLY_UNTIL)
    assert stage.verdicts(bill)[0] == (*DECLINED, "not_accepted")


def test_after_the_providers_reply_it_is_decided_at_once():
    scene, _order, bill = disputed(law())
    reply(scene, bill, actor=scene.applicant.person)
    refused(actions.ProviderMayReply, scene, lambda: decide(scene, bill, RAISED))

    reply(scene, bill)
    decide(scene, bill, RAISED, accept=True)

    assert stage.verdicts(bill)[0][0] == "ACCEPTED"
    stage.assert_in_step()


def test_a_line_that_nobody_disputes_waits_for_no_reply():
    scene = a_scene(law())
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10))
    stage.settle(bill)

    decide(scene, bill, RAISED)

    assert stage.verdicts(bill) == [("DECLINED", 200_00, 50_00, 120_00, "not_accepted")]


def test_a_silent_providers_line_is_declined_by_the_portal_with_the_clause(monkeypatch):
    scene, order, bill = disputed(SILENT_PROVIDER)
    swept(monkeypatch, REPLY_UNTIL - timedelta(seconds=1))
    assert stage.verdicts(bill)[0] == ("WITHHELD", 0, 100_00, 0, "objected")

    swept(monkeypatch, REPLY_UNTIL)

    assert stage.verdicts(bill)[0] == (*DECLINED, "reply_overdue")
    verdict = queries.line_verdict(bill.lines.get(row=1))
    assert verdict.decided_by == "system"
    clause = queries.law_when_sent(bill).settlement.clause
    assert sentence(verdict.reason, verdict.reason_values) == (
        "The provider did not reply to the objection within 3 days. By the programme's law "
        f"({clause}) the line is not accepted."
    )
    act = acts_found("").get(pk=verdict.act_id)
    assert (act.kind, act.actor, act.reason) == ("decide_line", "system", clause)
    # Nothing but the word moved: the undisputed lines were paid on time, the hold stays.
    assert stage.payable(scene) == 120_00
    assert stage.held(order) == 1_380_00
    with pytest.raises(actions.ObjectionOver):
        reply(scene, bill, at=REPLY_UNTIL)
    stage.assert_in_step()


def test_who_replied_in_time_is_not_silent_and_who_replied_late_is(monkeypatch):
    scene, _order, bill = disputed(SILENT_PROVIDER, rows=(1, 2))
    reply(scene, bill, at=REPLY_UNTIL - timedelta(seconds=1))
    reply(scene, bill, at=REPLY_UNTIL, row=2)

    swept(monkeypatch, REPLY_UNTIL + DAY)

    assert [one[-1] for one in stage.verdicts(bill)] == ["objected", "reply_overdue", ""]


# --- the officers' days -----------------------------------------------------------------------


def test_a_line_past_the_officers_days_is_late_in_the_queue_and_waits(monkeypatch):
    scene, _order, bill = disputed(law())

    (row,) = queue_of(scene.authority.finance[0], "disputed")
    assert (row.name, row.due) == (f"{bill.number}/1", VERDICT_UNTIL)

    swept(monkeypatch, VERDICT_UNTIL + 100 * DAY)
    assert stage.verdicts(bill)[0] == ("WITHHELD", 0, 100_00, 0, "objected")
    said = refused(
        actions.NobodySilent, scene, lambda: by_silence(bill, VERDICT_UNTIL + 100 * DAY)
    )
    assert "line 1 of bill" in said


def test_the_officers_days_begin_with_the_settlement():
    scene, _order, bill = disputed(law(), settled=False)
    assert queries.undecided_on(bill.lines.get(row=1)).verdict_until is None

    stage.settle(bill, at=RAISED + 7 * DAY)

    (row,) = queue_of(scene.authority.finance[0], "disputed")
    assert row.due == RAISED + 17 * DAY


def test_the_officers_silence_declines_where_the_law_says_so(monkeypatch):
    scene, order, bill = disputed(SILENCE_DECLINES)

    swept(monkeypatch, VERDICT_UNTIL)

    assert stage.verdicts(bill)[0] == (*DECLINED, "verdict_overdue")
    assert stage.payable(scene) == 120_00
    assert stage.held(order) == 1_380_00
    assert queue_of(scene.authority.finance[0], "disputed") == []


def test_the_officers_silence_accepts_where_the_law_says_so(monkeypatch):
    scene, order, bill = disputed(SILENCE_ACCEPTS)

    swept(monkeypatch, VERDICT_UNTIL - timedelta(seconds=1))
    assert stage.payable(scene) == 120_00
    swept(monkeypatch, VERDICT_UNTIL)

    assert stage.verdicts(bill)[0] == ("ACCEPTED", 100_00, 0, 60_00, "accepted_overdue")
    assert stage.payable(scene) == 180_00
    assert stage.held(order) == 1_320_00
    stage.assert_in_step()


def test_silence_accepts_no_more_than_the_rules_let_through(monkeypatch):
    scene = a_scene(SILENCE_ACCEPTS)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    stage.use(scene.seller, order, hours=8)
    bill = stage.bill(scene, stage.a_line(hours=10))
    object_to(scene, bill, 1)
    stage.settle(bill)

    swept(monkeypatch, VERDICT_UNTIL)
    assert stage.verdicts(bill) == [("REDUCED", 200_00, 50_00, 120_00, "billed_above_meter")]

    # What a rule withholds has no days: it waits for an officer.
    swept(monkeypatch, VERDICT_UNTIL + 100 * DAY)
    assert stage.verdicts(bill)[0][0] == "REDUCED"
    (row,) = queue_of(scene.authority.finance[0], "withheld")
    assert row.due is None


def test_the_law_of_the_day_the_bill_was_sent_counts():
    scene, _order, bill = disputed(cast.policy_text(cast.M3))

    assert queries.undecided_on(bill.lines.get(row=1)).reply_until is None
    refused(actions.NobodySilent, scene, lambda: by_silence(bill, RAISED + 400 * DAY))


# --- how it is done ---------------------------------------------------------------------------


def test_asked_twice_silence_decides_once():
    scene, _order, bill = disputed(SILENCE_ACCEPTS)

    first = by_silence(bill, VERDICT_UNTIL)

    assert by_silence(bill, VERDICT_UNTIL + DAY) == first
    assert Settlement.objects.count() == 2
    assert stage.payable(scene) == 180_00
    refused(
        actions.LineNotWithheld, scene, lambda: by_silence(bill, VERDICT_UNTIL, key="again")
    )


def test_an_unsettled_bill_and_an_undisputed_line_are_not_decided_by_silence():
    scene, _order, bill = disputed(SILENCE_DECLINES, settled=False)
    refused(actions.BillNotSettled, scene, lambda: by_silence(bill, VERDICT_UNTIL))

    stage.settle(bill)

    refused(actions.LineNotWithheld, scene, lambda: by_silence(bill, VERDICT_UNTIL, row=2))


def test_one_line_that_can_not_be_decided_stops_no_other(monkeypatch):
    _scene, _order, bill = disputed(SILENCE_ACCEPTS, rows=(1, 2))
    first = queries.open_objection(bill.lines.get(row=1))
    # The sweep's key for the first line was used for something else.
    with transaction.atomic():
        ledger.begin(
            kind=ActKind.DECIDE_LINE,
            key=f"silence:{first.pk}",
            actor=ledger.SYSTEM,
            about="bill:another",
            at=stage.LATER,
            payload={},
        )

    swept(monkeypatch, VERDICT_UNTIL)

    assert [one[-1] for one in stage.verdicts(bill)] == ["objected", "accepted_overdue", ""]
