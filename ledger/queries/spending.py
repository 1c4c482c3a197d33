"""What became of the value of each voucher: held, spent, expired or returned, and from when."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger.kinds import ActKind
from ledger.queries import _rows


@dataclass(frozen=True, slots=True)
class Spending:
    """What left a voucher's account, and what is set aside in it; in the account's unit.

    Corrections are taken off. `first_at` and `last_at` are of what was redeemed, claimed or
    delivered, whether or not it was corrected later; None where nothing was.
    """

    held: int
    spent: int
    expired: int
    returned: int
    first_at: datetime | None
    last_at: datetime | None


# A reversal stands the other way round, and is counted by the act whose transfer it takes back.
_SPENDING = """
    with voucher as (
        select id, address from ledger_account
        where kind = 30 and split_part(address, ':', 2) = %s
    ), moved as (
        select v.address, t.flow, t.kind, t.amount, t.at, t.act_id
        from voucher v join ledger_transfer t on t.debit_id = v.id
        where t.flow in (3, 4, 5, 9) and t.kind <> 5
        union all
        select v.address, t.flow, t.kind, -t.amount, t.at, r.act_id
        from voucher v
        join ledger_transfer t on t.credit_id = v.id
        join ledger_transfer r on r.id = t.reverses_id
        where t.flow in (3, 4, 5, 9) and t.kind = 5
    )
    select m.address,
        coalesce(sum(case when m.kind = 2 then m.amount else -m.amount end)
            filter (where m.kind in (2, 3, 4, 6)), 0),
        coalesce(sum(m.amount) filter (where m.flow <> 9 and m.kind in (1, 3, 5)), 0),
        coalesce(sum(m.amount) filter (where m.flow = 9 and act.kind = %s), 0),
        coalesce(sum(m.amount) filter (where m.flow = 9 and act.kind <> %s), 0),
        min(m.at) filter (where m.flow <> 9 and m.kind in (1, 3)),
        max(m.at) filter (where m.flow <> 9 and m.kind in (1, 3))
    from moved m join ledger_act act on act.id = m.act_id
    group by m.address
"""


def spending_of(programme: str) -> dict[str, Spending]:
    """Return what became of the vouchers' value in a programme, by the vouchers' accounts.

    Vouchers from which nothing was ever held or moved are left out.
    """
    expiry = ActKind.EXPIRE_VOUCHER.value
    return {
        address: Spending(int(held), int(spent), int(expired), int(returned), first, last)
        for address, held, spent, expired, returned, first, last in _rows(
            _SPENDING, [programme, expiry, expiry]
        )
    }


def first_acts(kind: ActKind, addresses: Collection[str]) -> dict[str, datetime]:
    """Return when an act of a kind was first done about each address; others are left out."""
    sql = "select about, min(at) from ledger_act where kind = %s and about = any(%s) group by 1"
    return dict(_rows(sql, [kind.value, list(addresses)]))


def last_acts(addresses: Iterable[str]) -> dict[str, datetime]:
    """Return when anything was last done about each address; others are left out."""
    sql = "select about, max(at) from ledger_act where about = any(%s) group by 1"
    return dict(_rows(sql, [list(addresses)]))
