"""Where commits are real: a batch's job runs once, and a refused attempt stays."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from billing import actions
from billing.models import Batch, Payment, PaymentFile, RefusedAttempt
from parties.queries import SamePerson
from tests.billing import stage
from tests.billing.test_batch_jobs import approved, ask
from tests.billing.test_batch_matrix import a_crew, do
from tests.parties.money_scenes import with_payable

pytestmark = pytest.mark.slow


def test_two_workers_at_once_release_once(committed_db):
    scene = with_payable()
    job = ask(scene, approved(scene))

    def work(_number):
        try:
            return actions.do_batch_job(job=job, at=stage.LATER).status
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    job.refresh_from_db()
    assert job.status == "DONE"
    assert PaymentFile.objects.count() == 1
    assert stage.payable(scene) == 0


def test_an_attempt_is_committed_though_its_step_is_rolled_back(committed_db):
    crew = a_crew("LOCKED")
    with pytest.raises(SamePerson):
        do(crew, "approve_batch", crew.people["maker"], "a")

    connection.close()

    assert RefusedAttempt.objects.count() == 1
    assert Batch.objects.get().status == "LOCKED"
    assert Payment.objects.get().status == "PREPARED"
