"""An act that commits after one with a higher number is told all the same."""

import threading

from django.db import connection, transaction

from ledger import actions as ledger
from ledger.kinds import ActKind
from notices import actions
from notices.models import Horizon, Told
from tests.cast import NOON


def an_act(key: str) -> int:
    return ledger.begin(
        kind=ActKind.RAISE_ALERT, key=key, actor="system", about="test:1", at=NOON, payload={}
    ).id


def untold_below_horizon() -> int:
    """Acts that the next sweep would not look at again, and that nobody was told of."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from ledger_act a where a.txid < %s and not exists"
            " (select from notices_told t where t.act_id = a.id)",
            [Horizon.objects.get().txid],
        )
        return cursor.fetchone()[0]


def test_an_act_that_commits_late_is_told_late_and_not_lost(committed_db):
    began, may_commit = threading.Event(), threading.Event()
    ids = {}

    def slow() -> None:
        with transaction.atomic():
            ids["slow"] = an_act("slow")
            began.set()
            may_commit.wait(30)
        connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    assert began.wait(30)
    with transaction.atomic():
        ids["quick"] = an_act("quick")
    assert ids["slow"] < ids["quick"]

    actions.write_letters(at=NOON)
    told = set(Told.objects.values_list("act_id", flat=True))
    assert ids["quick"] in told
    assert ids["slow"] not in told
    assert untold_below_horizon() == 0

    may_commit.set()
    thread.join(30)
    actions.write_letters(at=NOON)
    assert Told.objects.filter(act_id=ids["slow"]).exists()
    assert untold_below_horizon() == 0
