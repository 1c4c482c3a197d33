"""Errands about what comes after payment: recoveries, and months that are closed."""

from datetime import date

from bench.chaos.trade.answers import patient
from bench.chaos.trade.asking import Trade
from billing import actions as billing
from billing.models import Payment, Recovery

# Nothing of the trade is dated so long ago.
_MONTHS_BEFORE = 24


def recover(trade: Trade) -> None:
    """Take back a little of what was paid: opened, replied to, upheld by another person.

    The law lets it set itself off against the next batch.
    """
    payment = patient(
        lambda: (
            Payment.objects.filter(status=Payment.Status.PAID)
            .select_related("batch__programme__authority", "payee")
            .order_by("pk")
            .first()
        )
    )
    if payment is None:
        return
    one, two, _three = map(trade.person, trade.scene.finance)
    seller = trade.person(trade.scene.seller)
    at, amount = trade.at(), 1 + trade.errand % 5

    def opened(key: str) -> str:
        return billing.open_recovery(
            thing=payment,
            amount=amount,
            legal_basis="Article 21",
            reason=f"found {trade.errand}",
            actor=one,
            at=at,
            key=key,
        ).code

    code = trade.act("recovery", opened)

    def replied(key: str) -> int:
        case = _case(code)
        text = f"seen {trade.errand}"
        return billing.reply_to_recovery(
            recovery=case, text=text, actor=seller, at=at, key=key
        ).pk

    def decided(key: str) -> str:
        case = _case(code)
        return billing.decide_recovery(
            recovery=case, amount=amount, note="as found", actor=two, at=at, key=key
        ).code

    trade.act("reply", replied)
    trade.act("uphold", decided, upheld=amount)


def close(trade: Trade) -> None:
    """Close a month of long ago at the pages, by two people; the ledger locks it."""
    one, two, _three = trade.scene.finance
    begun = trade.scene.begin
    months = begun.year * 12 + begun.month - 1 - _MONTHS_BEFORE - trade.errand
    month = f"{date(months // 12, months % 12 + 1, 1):%Y-%m}"
    path = f"/programmes/{trade.programme().code}/periods/{month}/"
    trade.page("propose", one, path, {"note": f"nothing in {month}"})
    trade.page("close", two, path, {"sure": "on"}, month=month)


def _case(code: str) -> Recovery:
    return Recovery.objects.select_related("programme__authority", "debtor").get(code=code)
