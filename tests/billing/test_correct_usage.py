"""A line is taken back by its opposite, once, with a reason; sums are as if it had never been."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import actions
from billing.models import (
    Bill,
    UsageCorrection,
    UsageDevice,
    UsageHour,
    UsageLine,
    UsageSum,
)
from billing.queries import daily_usage, metered_ms
from ledger.actions import KeyReused
from ledger.queries import extent
from tests import cast
from tests.billing import stage
from tests.ledger.book import at_once
from vouchers.queries.vouchers import has_use_unbilled

HOUR = stage.HOUR


@pytest.fixture
def scene(db):
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def used(scene, order, key="job-1", **more):
    """Return a recorded line of ten hours of one GPU, 250.00."""
    record = stage.a_record(order.code, key, **more)
    report = stage.record(scene.seller, record)
    assert report.errors == ()
    return UsageLine.objects.get(key=key)


def correct(scene, line, *, right=None, key="correct", reason="The node was down", at=None):
    return actions.correct_usage(
        line=line,
        reason=reason,
        right=right,
        actor=scene.seller.person,
        at=at or stage.LATER,
        key=key,
    )


def right(line, hours, key="job-1b", **more):
    facts = {
        "key": key,
        "count_thousandths": line.count_thousandths,
        "started_at": line.started_at,
        "ended_at": line.started_at + timedelta(hours=hours),
    }
    return actions.right_of(line, **{**facts, **more})


def bill(scene, **more):
    return actions.submit_bill(
        **{
            "provider": scene.seller.provider,
            "programme": scene.scheme.programme,
            "invoice_number": "A",
            "period_from": stage.JUNE,
            "period_until": stage.JULY,
            "lines": None,
            "actor": scene.seller.person,
            "at": stage.LATER,
            "key": cast.a_key("bill"),
            **more,
        }
    )


def hours():
    return {
        (one.resource_class, one.hour): one.quantity_ms
        for one in UsageHour.objects.exclude(quantity_ms=0)
    }


def test_the_opposite_has_the_same_place_and_times_and_everything_else_the_other_way(
    scene, order
):
    line = used(scene, order)

    done = correct(scene, line)

    opposite = done.opposite
    assert (opposite.corrects, done.right) == (line, None)
    assert (opposite.order, opposite.voucher, opposite.rate) == (order, line.voucher, line.rate)
    assert (opposite.started_at, opposite.ended_at) == (line.started_at, line.ended_at)
    assert (opposite.count_thousandths, opposite.quantity_ms) == (-1000, -10 * HOUR)
    assert (line.amount, opposite.amount) == (250_00, -250_00)
    assert opposite.act.reason == "The node was down"
    assert (opposite.file, opposite.key.split(":")[0]) == (None, "corrects")
    # Nothing of what was recorded has changed.
    assert UsageLine.objects.get(pk=line.pk).quantity_ms == 10 * HOUR


def test_sums_and_hours_are_as_if_nothing_had_been_used(scene, order):
    kept = used(scene, order, "kept", started=stage.START + timedelta(hours=20))
    before = hours()
    line = used(scene, order)

    correct(scene, line)

    (total,) = UsageSum.objects.all()
    assert (total.quantity_ms, total.amount) == (kept.quantity_ms, kept.amount)
    assert hours() == before
    assert metered_ms(order, stage.JUNE, stage.JULY) == kept.quantity_ms
    assert sum(day.quantity_ms for day in daily_usage(order)) == kept.quantity_ms
    # A period that cuts through both has nothing of either.
    middle = line.started_at + timedelta(hours=3, seconds=1)
    assert metered_ms(order, stage.JUNE, middle) == 0


def test_neither_is_billed_and_the_right_one_is(scene, order):
    line = used(scene, order)

    done = correct(scene, line, right=right(line, 4))
    sent = bill(scene)

    assert done.right is not None
    assert [one.usage_line for one in sent.lines.all()] == [done.right]
    assert sent.total == 100_00


def test_with_all_taken_back_there_is_nothing_to_bill_and_no_use_waits_for_a_bill(scene, order):
    line = used(scene, order)
    assert has_use_unbilled(order)

    correct(scene, line)

    assert not has_use_unbilled(order)
    with pytest.raises(actions.NothingToBill):
        bill(scene)


def test_a_bill_that_names_what_was_taken_back_is_not_paid_for_it(scene, order):
    line = used(scene, order)
    correct(scene, line)

    sent = bill(scene, lines=[stage.a_line(line.key, hours=10)])
    actions.settle_bill(bill=sent, actor="system", at=stage.LATER, key="settle")

    (billed,) = sent.lines.all()
    verdict = billed.verdicts.get()
    assert (billed.usage_line, verdict.accepted, verdict.reason) == (None, 0, "no_meter")


def test_what_is_billed_is_refused_and_nothing_moves(scene, order):
    line = used(scene, order)
    sent = bill(scene)
    before = extent(), UsageLine.objects.count()

    with pytest.raises(actions.UsageBilled) as refused, transaction.atomic():
        correct(scene, line, right=right(line, 4))

    assert refused.value.values["bill"] == sent.number
    assert "its holder objects to the line" in str(refused.value)
    assert (extent(), UsageLine.objects.count()) == before
    assert not UsageCorrection.objects.exists()


def test_a_line_is_taken_back_once_and_its_opposite_never(scene, order):
    line = used(scene, order)
    done = correct(scene, line)

    with pytest.raises(actions.UsageCorrected) as refused, transaction.atomic():
        correct(scene, line, key="other")
    with pytest.raises(actions.UsageTakesBack), transaction.atomic():
        correct(scene, done.opposite, key="other")

    assert "2025-07-02" in str(refused.value)
    assert UsageLine.objects.count() == 2


def test_asked_twice_it_gives_the_first_answer(scene, order):
    line = used(scene, order)
    first = correct(scene, line, right=right(line, 4))
    before = extent(), UsageLine.objects.count()

    again = correct(scene, line, right=right(line, 4))

    assert again == first
    assert (extent(), UsageLine.objects.count()) == before
    with pytest.raises(KeyReused), transaction.atomic():
        correct(scene, line, right=right(line, 5))


def test_a_right_line_may_be_corrected_again(scene, order):
    line = used(scene, order)
    first = correct(scene, line, right=right(line, 4))

    correct(scene, first.right, right=right(line, 6, key="job-1c"), key="second")

    assert metered_ms(order, stage.JUNE, stage.JULY) == 6 * HOUR
    assert bill(scene).total == 150_00


def test_its_gpu_is_free_again_and_taken_by_the_right_one(scene, order):
    stage.record(scene.seller, stage.a_record(order.code)._replace(device="GPU-1"))
    line = UsageLine.objects.get()

    done = correct(scene, line, right=right(line, 4))

    assert [one.line for one in UsageDevice.objects.all()] == [done.right]
    other = stage.a_record(order.code, "other", started=line.started_at + timedelta(hours=4))
    assert stage.record(scene.seller, other._replace(device="GPU-1")).errors == ()


def test_a_right_line_that_can_not_be_is_refused_with_why_and_nothing_moves(scene, order):
    line = used(scene, order)
    taken = used(scene, order, "taken", started=stage.START + timedelta(hours=20))
    before = extent(), UsageLine.objects.count(), hours()

    with pytest.raises(actions.RightLineRefused) as future, transaction.atomic():
        correct(scene, line, right=right(line, 24 * 60))
    with pytest.raises(actions.RightKeyTaken), transaction.atomic():
        correct(scene, line, right=right(line, 4, key=taken.key))
    with pytest.raises(actions.RightLineRefused) as backwards:
        right(line, -1)
    with pytest.raises(actions.RightLineRefused) as long, transaction.atomic():
        correct(scene, line, right=right(line, 4, key="k" * 161))

    assert "which has not come yet" in str(future.value)
    assert "before" in str(backwards.value)
    assert "161" in str(long.value)
    assert (extent(), UsageLine.objects.count(), hours()) == before


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_it_needs_words_why(scene, order, reason):
    line = used(scene, order)

    with pytest.raises(actions.NoteMissing):
        correct(scene, line, reason=reason)

    assert UsageLine.objects.count() == 1


def test_the_same_use_sent_again_is_known_and_stays_taken_back(scene, order):
    line = used(scene, order)
    correct(scene, line)

    report = stage.record(scene.seller, stage.a_record(order.code))

    assert (report.recorded, report.known_before) == (0, 1)
    assert metered_ms(order, stage.JUNE, stage.JULY) == 0


@pytest.mark.parametrize(
    "change",
    [
        "quantity_ms = quantity_ms + 1",
        "corrects_id = null",
        "amount = 0",
        "started_at = started_at + interval '1 second'",
        "state = state, device = 'GPU-1'",
    ],
)
def test_whoever_writes_it_only_an_exact_opposite_may_be_below_nothing(scene, order, change):
    line = used(scene, order)
    opposite = correct(scene, line).opposite
    other = used(scene, order, "other")
    columns = [field.column for field in UsageLine._meta.fields]
    changes = dict(part.split(" = ") for part in change.split(", "))
    changes = {"id": "id + 1000", "key": "'forged'", "corrects_id": str(other.pk), **changes}
    values = ", ".join(changes.get(column, column) for column in columns)

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"insert into billing_usageline ({', '.join(columns)})"
            f" select {values} from billing_usageline where id = {opposite.pk}"
        )

    assert UsageLine.objects.count() == 3


# What is done: a job of so many thousandths of a GPU over so many seconds begins at a second, or
# the job of a number is taken back.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 9_000), st.integers(1, 200_000), st.integers(0, 400_000)),
        st.integers(0, 5),
    ),
    max_size=8,
)


@pytest.mark.django_db
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whatever_is_used_and_taken_back_sums_are_those_of_the_lines(scene, order, steps):
    with transaction.atomic():
        lines, taken = [], set()
        for number, step in enumerate(steps):
            if isinstance(step, int):
                if step < len(lines) and step not in taken:
                    taken.add(step)
                    correct(scene, lines[step], key=f"step {number}")
                continue
            count, seconds, late = step
            started = stage.START + timedelta(seconds=late)
            one = stage.a_record(order.code, f"job {number}", started=started)
            one = one._replace(
                count_thousandths=count, ended_at=started + timedelta(seconds=seconds)
            )
            assert stage.record(scene.seller, one).recorded == 1
            lines.append(UsageLine.objects.get(key=f"job {number}"))

        stays = [line for number, line in enumerate(lines) if number not in taken]
        wanted = sum(line.quantity_ms for line in stays), sum(line.amount for line in stays)
        sums = UsageSum.objects.aggregate(ms=Sum("quantity_ms"), amount=Sum("amount"))
        told = UsageLine.objects.aggregate(ms=Sum("quantity_ms"), amount=Sum("amount"))
        assert (sums["ms"] or 0, sums["amount"] or 0) == wanted
        assert (told["ms"] or 0, told["amount"] or 0) == wanted
        by_hour = Counter()
        for line in stays:
            _add_hours(by_hour, line)
        found = Counter({hour: ms for (_name, hour), ms in hours().items()})
        assert found == by_hour
        transaction.set_rollback(True)


def _add_hours(by_hour, line):
    at = line.started_at.replace(minute=0, second=0, microsecond=0)
    while at < line.ended_at:
        inside = min(line.ended_at, at + timedelta(hours=1)) - max(line.started_at, at)
        by_hour[at] += line.count_thousandths * int(inside.total_seconds())
        at += timedelta(hours=1)


def test_use_in_a_claim_s_days_is_refused_and_otherwise_taken_back(db):
    scene = cast.make_scene(cast.M1)
    report = stage.record(scene.seller, stage.a_record(scene.voucher.code))
    assert report.errors == ()
    line = UsageLine.objects.get()

    done = correct(scene, line)

    assert (done.opposite.order, done.opposite.amount) == (None, None)
    assert metered_ms(scene.voucher, stage.JUNE, stage.JULY) == 0


@pytest.mark.slow
def test_of_a_bill_and_a_correction_at_once_one_comes_first_and_nothing_is_paid_for_both(
    committed_db,
):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    for turn in range(4):
        started = stage.START + timedelta(hours=11 * turn)
        line = used(scene, order, f"job {turn}", started=started)

        def act(number, line=line, turn=turn):
            if number % 2:
                return correct(scene, line, key=f"correct {turn} {number}")
            return bill(scene, key=f"bill {turn} {number}", invoice_number=f"{turn}-{number}")

        done = at_once(6, act)

        billed = Bill.objects.filter(lines__usage_line=line).count()
        corrected = UsageCorrection.objects.filter(line=line).count()
        assert billed + corrected == 1, done
        codes = Counter(one.code if isinstance(one, Exception) else "done" for one in done)
        assert codes.pop("done") == 1
        assert set(codes) <= {"usage_billed", "usage_corrected", "nothing_to_bill"}
