"""A large file is read by the worker: as a whole or not at all, once, and its sender sees how far."""

import zlib

import pytest

from billing import actions
from billing.models import (
    Bill,
    FileCheck,
    FileTask,
    KeptFile,
    KeptFilePart,
    UsageFile,
    UsageLine,
)
from billing.queries import file_tasks_open_to, file_tasks_waiting
from billing.tasks import do_file_tasks
from ledger.actions import KeyReused
from ledger.queries import extent
from tests import cast
from tests.billing import stage
from tests.billing.test_usage_files import HEADER, READING, check, keep, text_of
from tests.ledger.book import at_once


@pytest.fixture
def scene(db):
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def ask_to_check(scene, file, key="check"):
    return actions.ask_to_check(
        file=file, reading=READING, actor=scene.seller.person, at=stage.LATER, key=key
    )


def ask_to_send(scene, found, key="send", **invoices):
    return actions.ask_to_send(
        check=found,
        invoice_numbers=invoices,
        actor=scene.seller.person,
        at=stage.LATER,
        key=key,
    )


def do(task):
    return actions.do_file_task(task=task, at=stage.LATER)


def lines():
    return UsageLine.objects.count()


def test_what_is_asked_is_kept_and_nothing_is_recorded_by_that(scene, order):
    task = ask_to_check(scene, keep(scene, text_of(order, 10, 11)))

    assert list(file_tasks_waiting()) == [task]
    assert list(file_tasks_open_to(scene.seller.person)) == [task]
    assert not file_tasks_open_to(scene.applicant.person).exists()
    assert (lines(), FileCheck.objects.count()) == (0, 0)


def test_asked_twice_it_is_one_task_and_another_file_is_refused(scene, order):
    file = keep(scene, text_of(order, 10))
    other = keep(scene, text_of(order, 11), key="other")
    task = ask_to_check(scene, file)

    assert ask_to_check(scene, file) == task
    with pytest.raises(KeyReused):
        ask_to_check(scene, other)
    assert FileTask.objects.count() == 1


def test_the_worker_finds_what_looking_it_over_finds(scene, order):
    text = (
        text_of(order, 10, 11)
        + "x,R-NOBODY,GPU,H100,1,2025-06-10 08:00:00,2025-06-10 09:00:00,COMPLETED\n"
    )
    file = keep(scene, text)
    task = ask_to_check(scene, file)

    do(task)

    task.refresh_from_db()
    assert task.status == "DONE"
    found, now = task.check_made, check(scene, file)
    for name in ("format", "rows", "recorded", "errors_total", "errors", "bills", "columns"):
        assert getattr(found, name) == getattr(now, name)
    assert (found.rows, found.recorded, found.errors_total) == (3, 2, 1)
    assert (lines(), Bill.objects.count()) == (0, 0)
    assert not file_tasks_waiting().exists()


def test_the_worker_sends_what_was_looked_over_once(scene, order):
    found = check(scene, keep(scene, text_of(order, 10, 11)))
    (bill,) = found.bills
    task = ask_to_send(scene, found, **{f"{bill['programme']}/{bill['month']}": "INV-9"})

    do(task)
    before = extent()
    do(task)

    task.refresh_from_db()
    assert task.status == "DONE"
    assert task.usage_file == UsageFile.objects.get()
    assert task.bills == [Bill.objects.get(invoice_number="INV-9").number]
    assert (lines(), extent()) == (2, before)


def test_the_sweep_does_all_that_waits(scene, order):
    first = ask_to_check(scene, keep(scene, text_of(order, 10)))
    second = ask_to_check(scene, keep(scene, text_of(order, 11), key="other"), key="other")

    do_file_tasks()

    assert {one.status for one in FileTask.objects.filter(pk__in=[first.pk, second.pk])} == {
        "DONE"
    }


def test_a_refusal_is_told_in_both_languages_and_nothing_moves(scene):
    task = ask_to_check(scene, keep(scene, HEADER))

    do(task)

    task.refresh_from_db()
    assert task.status == "REFUSED"
    assert task.refusal["en"].startswith("The file has no rows.")
    assert task.refusal["zh-hans"] not in ("", task.refusal["en"])
    assert (task.check_made, FileCheck.objects.count()) == (None, 0)


def test_a_failure_that_is_not_the_files_is_tried_again_and_then_given_up(scene, order):
    kept = keep(scene, text_of(order, 10))
    broken = KeptFile.objects.create(
        provider=kept.provider,
        name="broken.csv",
        sha256="0" * 64,
        size=5,
        received_by=kept.received_by,
        received_at=kept.received_at,
        act=kept.act,
    )
    KeptFilePart.objects.create(file=broken, number=0, content=zlib.compress(b"x")[:-2])
    task = ask_to_check(scene, broken)

    states = [do(task).status for _time in range(5)]

    assert states == ["WAITING"] * 4 + ["REFUSED"]
    task.refresh_from_db()
    assert "nothing of it is recorded" in task.refusal["en"]
    assert (lines(), FileCheck.objects.count()) == (0, 0)


@pytest.mark.slow
def test_many_workers_at_one_file_record_it_once(committed_db):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    task = ask_to_send(scene, check(scene, keep(scene, text_of(order, 10, 11))))

    answers = at_once(6, lambda _number: do(FileTask.objects.get(pk=task.pk)).status)

    assert set(answers) <= {"DONE", "WAITING"}
    assert "DONE" in answers
    assert (lines(), UsageFile.objects.count()) == (2, 1)
    stage.assert_in_step()


@pytest.mark.slow
def test_how_far_it_has_come_is_told_beside_its_transaction(committed_db):
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    rows = "".join(
        f"job-{n},{order.code},GPU,H100,0.001,2025-06-10 08:00:00,2025-06-10 08:00:01,COMPLETED\n"
        for n in range(50_000)
    )
    task = ask_to_check(scene, keep(scene, HEADER + rows))

    do(task)

    task.refresh_from_db()
    assert (task.status, task.check_made.recorded) == ("DONE", 50_000)
    # Told every 20,000 rows, when 1,024 are read at a time.
    assert task.rows_read == 40 * 1_024
