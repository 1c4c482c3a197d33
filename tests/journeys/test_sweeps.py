"""What is due is done by a real worker when the timetable says so, and not before."""

import time
from datetime import UTC, datetime

import pytest
from django.db import connection

from config.embedded import valkey
from ledger import queries as ledger
from tests import processes
from tests.cast import M3, a_hold, make_scene
from vouchers.models import Order

pytestmark = pytest.mark.slow


def free(scene):
    return ledger.balance(scene.scheme.programme.account("voucher", scene.voucher.code)).free


def test_a_lapsed_hold_stays_until_the_timetable_runs_then_the_money_is_back(
    committed_db, tmp_path
):
    scene = make_scene(M3)
    before = free(scene)
    order = a_hold(scene.voucher, scene.applicant, scene.seller, hours="400")
    assert order.lapses_at < datetime.now(UTC)  # the scene is set in 2025
    assert free(scene) == before - 6_000_00

    with (
        valkey(tmp_path / "valkey") as broker,
        processes.worker(committed_db.app_url, broker, tmp_path),
    ):
        time.sleep(8)
        assert Order.objects.get(pk=order.pk).status == "OPEN"
        assert free(scene) == before - 6_000_00

        with processes.beat(committed_db.app_url, broker, tmp_path):
            deadline = time.monotonic() + 90
            while Order.objects.get(pk=order.pk).status == "OPEN":
                assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()[
                    -3000:
                ]
                time.sleep(0.5)

            with connection.cursor() as cursor:
                cursor.execute(
                    "select distinct usename from pg_stat_activity where datname = %s"
                    " and backend_type = 'client backend'",
                    [committed_db.name],
                )
                people = {row[0] for row in cursor.fetchall()}

    assert Order.objects.get(pk=order.pk).status == "LAPSED"
    # The voucher of 2025 may have expired in the same minute: then its value is available again.
    programme = scene.scheme.programme
    assert free(scene) + ledger.balance(programme.account("available")).free == 10_000_000_00
    assert people == {committed_db.name.rsplit("_", 1)[0] + "_app"}
    assert ledger.accounts_out_of_step() == []
