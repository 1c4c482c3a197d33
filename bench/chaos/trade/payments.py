"""Errands about payments: batches by three people, and what the bank answers."""

from datetime import datetime

from bench.chaos.trade.answers import patient
from bench.chaos.trade.asking import Trade
from billing import actions as billing
from billing.bank.demo_bank import statement_for
from billing.models import Batch, Payment
from billing.queries import payables_due
from parties.models import User
from vouchers.models import Programme

NOTHING_DUE = "nothing_due"


def pay(trade: Trade) -> None:
    """Pay what is due by three people, and read the bank's answer twice."""
    one, two, three = map(trade.person, trade.scene.finance)
    at = trade.at()
    code = trade.act("prepare", lambda key: _prepare(trade.programme(), one, at, key))
    if code == NOTHING_DUE:
        return
    trade.act("lock", lambda key: _lock(code, one, at, key))
    trade.act("approve", lambda key: _approve(code, two, at, key))
    trade.act("send", lambda key: _release(code, three, at, key))
    trade.act("hand over", lambda key: _hand_over(code, one, at, key))
    file = patient(lambda: bytes(Batch.objects.get(code=code).file.content))
    data = statement_for(
        file, statement_id=f"ST-{trade.errand}", created_at=at, booked_on=at.date()
    )
    trade.act("statement", lambda key: _read_statement(data, one, at, key))


def pay_by_page(trade: Trade) -> None:
    """Pay what is due at the pages; now and then the bank sends a payment back."""
    one, two, three = trade.scene.finance
    programme = trade.programme()
    if not patient(lambda: payables_due(programme)):
        return
    typed = {"programme": programme.code}
    found = trade.page("prepare", one, f"/batches/new/?programme={programme.code}", typed)
    trade.page("lock", one, f"{found}lock/", {})
    trade.page("approve", two, f"{found}approve/", {})
    trade.page("send", three, f"{found}release/", {})
    trade.page("hand over", one, f"{found}hand-over/", {})
    file = trade.read(three, f"{found}file/")
    at = trade.at()
    first = patient(lambda: Payment.objects.filter(batch__code=found.split("/")[2]).first())
    assert first is not None
    back = {first.end_to_end_id: "AC04"} if trade.errand % 2 else {}
    data = statement_for(
        file,
        statement_id=f"ST-{trade.errand}",
        created_at=at,
        booked_on=at.date(),
        returned=back,
    )
    trade.page("statement", one, "/statements/new/", {"file": data})


def _prepare(programme: Programme, person: User, at: datetime, key: str) -> str:
    try:
        return billing.prepare_batch(programme=programme, actor=person, at=at, key=key).code
    except billing.NothingDue:
        return NOTHING_DUE


def _batch(code: str) -> Batch:
    return Batch.objects.select_related("programme__authority").get(code=code)


def _lock(code: str, person: User, at: datetime, key: str) -> str:
    return billing.lock_batch(batch=_batch(code), actor=person, at=at, key=key).code


def _approve(code: str, person: User, at: datetime, key: str) -> str:
    batch = _batch(code)
    # The trade pays its one provider alike amounts day by day.
    reasons = {one.end_to_end_id: "The same work again" for one in batch.payments.all()}
    return billing.approve_batch(
        batch=batch, actor=person, at=at, key=key, reasons=reasons
    ).code


def _release(code: str, person: User, at: datetime, key: str) -> int:
    return billing.release_batch(batch=_batch(code), actor=person, at=at, key=key).pk


def _hand_over(code: str, person: User, at: datetime, key: str) -> str:
    return billing.hand_over_batch(batch=_batch(code), actor=person, at=at, key=key).code


def _read_statement(data: bytes, person: User, at: datetime, key: str) -> int:
    read = billing.read_statement(name="chaos.xml", data=data, actor=person, at=at, key=key)
    return read.pk
