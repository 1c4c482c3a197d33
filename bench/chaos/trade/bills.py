"""Errands about bills: use that is reported, billed and settled."""

from datetime import timedelta

from bench.chaos.sending import pause
from bench.chaos.trade.answers import TRIES_MAX, Contradiction, patient
from bench.chaos.trade.asking import Trade
from bench.chaos.trade.orders import HOURS, place
from billing import actions as billing
from billing.models import Bill, Settlement
from ledger.queries import transfers_of
from parties.models import User


def bill_by_api(trade: Trade) -> None:
    """Report use and bill it by API; an officer settles the bill at a page before it is due."""
    number = _billed_by_api(trade)
    trade.page("settle", trade.scene.officer, f"/bills/{number}/settle/", {})


def confirm(trade: Trade) -> None:
    """Bill use by API; the holder confirms it at a page, and the worker settles it at once."""
    number = _billed_by_api(trade)
    trade.page("confirm", trade.scene.holder, f"/bills/{number}/confirm/", {"act": "matching"})


def dispute(trade: Trade) -> None:
    """Bill use by API; the holder objects, the worker settles, and an officer then decides.

    With its one line disputed everybody has spoken, so that the worker settles the bill at once.
    """
    number, line = _billed_by_api(trade), "lines/1"
    officer = trade.scene.officer
    note = {"note": f"not our job {trade.errand}"}
    trade.page("object", trade.scene.holder, f"/bills/{number}/{line}/object/", note)
    _await_settlement(number)
    accepts = trade.errand % 2 == 0
    answer = {"accept": "yes" if accepts else "no", "note": f"looked at {trade.errand}"}
    path = f"/bills/{number}/{line}/decide/"
    trade.page("decide", officer, path, answer, disputed=number, accepts=accepts)


def correct(trade: Trade) -> None:
    """Bill use and settle it; finance finds it wrong before it is paid, and undoes it at a page."""
    number = _billed_by_api(trade)
    officer = trade.person(trade.scene.officer)
    trade.act("settle", lambda key: _settle(number, officer, key))
    settlement = patient(lambda: Settlement.objects.get(bill__number=number))
    moved = patient(lambda: transfers_of(settlement.act_id).get())
    path = f"/ledger/acts/{settlement.act_id}/transfers/{moved.id}/correct/"
    reason = {"reason": f"billed by mistake {trade.errand}"}
    trade.page("correct", trade.scene.finance[0], path, reason, corrected=moved.amount)


def _await_settlement(number: str) -> None:
    """Wait until the worker has settled a bill.

    :raises Contradiction: if it does not for so long that it never will.
    """
    settled = Bill.objects.filter(number=number, status=Bill.Status.SETTLED)
    for tries in range(1, TRIES_MAX):
        if patient(settled.exists):
            return
        pause(tries)
    raise Contradiction(f"bill {number} is not settled by the worker")


def _billed_by_api(trade: Trade) -> str:
    order, hours = used_order(trade)
    body = {
        "programme": trade.programme().code,
        "period_from": trade.at(days=-30).isoformat(),
        "period_until": trade.at(days=-1).isoformat(),
        "invoice_number": f"INV-{trade.errand}",
        "lines": [{"source": "meter", "key": f"job-{trade.errand}"}],
    }
    return str(trade.post("bill", "bills", body, 201, "number", hours=hours, order=order))


def bill_swept(trade: Trade) -> None:
    """Report use and bill it long enough ago: the worker's sweep settles the bill."""
    order, hours = used_order(trade)

    def submit(key: str) -> str:
        provider = trade.provider()
        return billing.submit_bill(
            provider=provider,
            programme=trade.programme(),
            invoice_number=f"INV-{trade.errand}",
            period_from=trade.at(days=-30),
            period_until=trade.at(days=-1),
            lines=[billing.BillLineInput("meter", f"job-{trade.errand}", None, None, None)],
            actor=provider.address,
            at=trade.at(days=-12),
            key=key,
        ).number

    trade.act("bill", submit, hours=hours, order=order)


def used_order(trade: Trade) -> tuple[str, int]:
    """Place an order of some days ago, and report some of its hours as used."""
    order = place(trade, days=-20)
    hours = 1 + trade.errand % HOURS
    started = trade.at(days=-15)
    record = {
        "key": f"job-{trade.errand}",
        "account": order,
        "resource": "GPU",
        "resource_class": "H100",
        "count": "1",
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(hours=hours)).isoformat(),
    }
    body = {"source": "meter", "records": [record]}
    trade.post("use", "usage", body, 200, "recorded", job=f"job-{trade.errand}")
    return order, hours


def _settle(number: str, officer: User, key: str) -> list[int]:
    bill = Bill.objects.select_related("programme__authority").get(number=number)
    at = bill.sent_at
    return [one.pk for one in billing.settle_bill(bill=bill, actor=officer, at=at, key=key)]
