"""The writing of a batch's file is a job of its own: it fails, and the batch stays where it was."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone, translation

from billing import actions
from billing.actions import batch_jobs
from billing.models import Batch, BatchJob, PaymentFile, RefusedAttempt
from billing.queries import batch_jobs_stuck, batch_jobs_waiting, job_state
from billing.tasks import do_batch_jobs
from parties.queries import SamePerson
from tests import cast
from tests.billing import stage
from tests.parties.money_scenes import with_payable

pytestmark = pytest.mark.django_db


@pytest.fixture
def now(monkeypatch):
    """The clock of the worker: the day of the batch."""
    monkeypatch.setattr(timezone, "now", lambda: stage.LATER)


@pytest.fixture
def scene():
    return with_payable()


def ask(scene, batch, key="ask", place=2, seen=""):
    return actions.ask_to_release(
        batch=batch,
        actor=scene.authority.finance[place],
        at=stage.LATER,
        key=key,
        seen=seen,
    )


def approved(scene):
    return stage.approve(scene, stage.prepare(scene))


def test_the_worker_releases_what_was_asked_for_once(scene, now):
    batch = approved(scene)
    job = ask(scene, batch)
    assert ask(scene, batch) == job
    assert (job.status, Batch.objects.get().status) == ("WAITING", "APPROVED")
    assert stage.payable(scene) == 600_00

    do_batch_jobs()
    do_batch_jobs()

    job.refresh_from_db()
    assert (job.status, job.runs, job.ended_at) == ("DONE", 1, stage.LATER)
    batch.refresh_from_db()
    assert (batch.status, batch.released_by) == ("RELEASED", scene.authority.finance[2])
    assert PaymentFile.objects.count() == 1
    assert not batch_jobs_waiting().exists()
    stage.assert_in_step()


def test_who_may_not_release_is_told_at_once(scene):
    batch = approved(scene)

    with pytest.raises(SamePerson):
        ask(scene, batch, place=0)
    with pytest.raises(actions.ListChanged):
        ask(scene, batch, seen="0" * 64)

    assert not BatchJob.objects.exists()
    assert RefusedAttempt.objects.get().kind == "ask_release"


def test_a_failed_job_leaves_the_batch_where_it_was_and_is_asked_for_again(scene, now):
    batch = approved(scene)
    job = ask(scene, batch)
    details = type(scene.seller.bank_detail).objects.filter(
        organisation=scene.seller.organisation
    )
    details.update(status="REPLACED")

    do_batch_jobs()

    job.refresh_from_db()
    assert (job.status, job.ended_at) == ("FAILED", stage.LATER)
    with translation.override("en"):
        assert "There is no approved bank detail of Acme Compute" in job.refusal["en"]
    assert job.refusal["zh-hans"] != job.refusal["en"]
    assert Batch.objects.get().status == "APPROVED"
    assert stage.payable(scene) == 600_00
    details.update(status="APPROVED")
    ask(scene, batch, key="again")
    do_batch_jobs()
    assert Batch.objects.get().status == "RELEASED"


def test_a_list_that_changed_since_it_was_asked_for_is_not_released(scene, now):
    job = ask(scene, approved(scene))
    cast.a_bank_detail(scene.seller.organisation, scene.seller.person, scene.authority)

    do_batch_jobs()

    job.refresh_from_db()
    assert job.status == "FAILED"
    assert "is not as you were shown it" in job.refusal["en"]


def test_a_batch_has_one_job_at_a_time(scene):
    batch = approved(scene)
    job = ask(scene, batch)

    with pytest.raises(actions.ReleaseAsked):
        ask(scene, batch, key="another click")
    job.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        job.save()


def test_a_batch_that_is_sent_back_meanwhile_is_not_released(scene, now):
    batch = approved(scene)
    job = ask(scene, batch)
    actions.send_back_batch(
        batch=batch,
        note="Wait",
        actor=scene.authority.finance[1],
        at=stage.LATER,
        key="back",
    )

    do_batch_jobs()

    job.refresh_from_db()
    assert (job.status, Batch.objects.get().status) == ("FAILED", "OPEN")


def test_what_fails_for_no_reason_of_its_own_is_given_up_in_words(scene, now, monkeypatch):
    job = ask(scene, approved(scene))

    def broken(**_given):
        raise ZeroDivisionError

    monkeypatch.setattr(batch_jobs, "release_batch", broken)
    for run in range(1, batch_jobs.RUNS_MAX + 1):
        do_batch_jobs()
        job.refresh_from_db()
        assert (job.status, job.runs) == ("RUNNING", run)
    do_batch_jobs()

    job.refresh_from_db()
    assert job.status == "FAILED"
    assert "Something is wrong on our side" in job.refusal["en"]
    assert Batch.objects.get().status == "APPROVED"
    assert stage.payable(scene) == 600_00


def test_a_job_whose_worker_was_killed_is_begun_again(scene, now):
    job = ask(scene, approved(scene))
    BatchJob.objects.update(status="RUNNING", begun_at=stage.LATER, runs=1)

    do_batch_jobs()

    job.refresh_from_db()
    assert (job.status, job.runs) == ("DONE", 2)


def test_a_stuck_job_is_seen(scene):
    job = ask(scene, approved(scene))
    finance = scene.authority.finance[0]
    soon = stage.LATER + timedelta(minutes=10)
    late = soon + timedelta(seconds=1)

    assert [job_state(job, at) for at in (soon, late)] == ["WAITING", "STUCK"]
    assert not batch_jobs_stuck(finance, soon).exists()
    assert list(batch_jobs_stuck(finance, late)) == [job]
    assert not batch_jobs_stuck(scene.seller.person, late).exists()
    assert not batch_jobs_stuck(cast.make_authority("Other").finance[0], late).exists()


def test_a_job_that_ended_says_when_and_one_that_failed_says_why(scene):
    ask(scene, approved(scene))

    for change in (
        {"status": "DONE"},
        {"ended_at": stage.LATER},
        {"status": "FAILED", "ended_at": stage.LATER},
        {"status": "ASLEEP"},
        {"runs": -1},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            BatchJob.objects.update(**change)
