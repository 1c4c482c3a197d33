"""Keep the verdict of every line of a bill, with its share of what was covered, in bulk."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from billing.actions.verdicts import Weighed
from billing.models import Bill, Settlement
from billing.queries import UNCONFIRMED, withholds_silence
from ledger.actions import Act

# What an order's lines share is handed out in proportion to what was accepted of each, the odd
# units to the largest remainders, to the earlier line among equals: `policy.settlement
# .split_bill` says it in words, and `tests/billing/test_shares.py` holds the two together.
# Lines without a row in `doubted` were accepted whole, or withheld whole where their holder had
# to confirm them and did not. Where a hold was too small (`beyond`),
# what is covered is handed out over the shares once more, and never exceeds one of them.
_KEEP = """
    with doubted as materialized (
        select * from unnest(%(lines)s::bigint[], %(accepted)s::bigint[], %(reasons)s::text[],
            %(values)s::jsonb[]) as d (line_id, accepted, reason, reason_values)
    ), silent as materialized ({unconfirmed}
    ), orders as materialized (
        select * from unnest(%(orders)s::bigint[], %(wholes)s::numeric[], %(covered)s::numeric[],
            %(beyond)s::numeric[]) as o (order_id, whole, covered, beyond)
    ), lines as (
        select l.id, l.row, l.order_id, l.amount, l.usage_line_id, o.covered, o.beyond,
            a.accepted, coalesce(d.reason, case when s.id is null then '' else 'not_confirmed'
                end) as reason,
            coalesce(d.reason_values, jsonb_build_object()) as reason_values,
            coalesce(div((o.covered + o.beyond) * a.accepted, o.whole), 0) as floor,
            coalesce(mod((o.covered + o.beyond) * a.accepted, o.whole), 0) as remainder
        from billing_billline l
        left join doubted d on d.line_id = l.id
        left join silent s on s.id = l.id
        left join orders o on o.order_id = l.order_id
        cross join lateral (select coalesce(
            d.accepted, case when s.id is null then l.amount else 0 end) as accepted) a
        where l.bill_id = %(bill)s and (coalesce(o.beyond, 0) > 0) = %(is_beyond)s
    ), shared as (
        select *, (floor + case when row_number() over largest
                <= covered + beyond - sum(floor) over (partition by order_id)
            then 1 else 0 end)::bigint as share
        from lines window largest as (partition by order_id order by remainder desc, row)
    )
    insert into billing_verdict (
        line_id, outcome, accepted, withheld, covered, co_payment, reason, reason_values,
        usage_line_id, usage_from, decided_by, decided_at, act_id)
    select id,
        case when accepted = amount then 'ACCEPTED' when accepted > 0 then 'REDUCED'
            else 'WITHHELD' end,
        accepted, amount - accepted, is_covered, accepted - share,
        case when reason = '' and share > is_covered then 'beyond_hold' else reason end,
        case when share > is_covered then reason_values || jsonb_build_object(
            'beyond_amount', share - is_covered, 'unit', %(unit)s::text)
            else reason_values end,
        case when accepted > 0 then usage_line_id end,
        case when accepted > 0 and usage_line_id is not null then %(from)s end,
        %(decided_by)s, %(at)s, %(act)s
    from ({covered}) c order by id
"""
_COVERED_WHOLE = "select *, share as is_covered from shared"
_COVERED_IN_PART = """
    select *, (again_floor + case when row_number() over largest
            <= covered - sum(again_floor) over (partition by order_id)
        then 1 else 0 end)::bigint as is_covered
    from (select *, div(covered * share, covered + beyond) as again_floor,
        mod(covered * share, covered + beyond) as again_remainder from shared) again
    window largest as (partition by order_id order by again_remainder desc, row)
"""


def keep_verdicts(
    bill: Bill,
    doubtful: Sequence[Weighed],
    settlements: Sequence[Settlement],
    act: Act,
    decided_by: str,
) -> None:
    """Write the verdict of every line of a bill, in two statements whatever its length.

    `settlements` say what each order covers; the lines' shares add up to that exactly. What is
    accepted names its usage and period, so that it is accepted once.
    """
    asked: dict[str, Any] = {
        "bill": bill.pk,
        "silence": withholds_silence(bill),
        "unit": bill.unit,
        "from": bill.period_from,
        "decided_by": decided_by,
        "at": act.at,
        "act": act.id,
        "lines": [one.line.id for one in doubtful],
        "accepted": [one.accepted for one in doubtful],
        "reasons": [one.reason for one in doubtful],
        "values": [json.dumps(dict(one.values)) for one in doubtful],
        "orders": [one.order_id for one in settlements],
        "wholes": [one.accepted or 1 for one in settlements],
        "covered": [one.covered for one in settlements],
        "beyond": [one.beyond_hold for one in settlements],
    }
    with connection.cursor() as cursor:
        covered_whole = _KEEP.format(covered=_COVERED_WHOLE, unconfirmed=UNCONFIRMED)
        cursor.execute(covered_whole, {**asked, "is_beyond": False})
        if any(one.beyond_hold for one in settlements):
            covered_in_part = _KEEP.format(covered=_COVERED_IN_PART, unconfirmed=UNCONFIRMED)
            cursor.execute(covered_in_part, {**asked, "is_beyond": True})
