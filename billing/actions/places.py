"""Find the voucher and the order that a meter's account names."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.types.numeric import Int8

from common.days import end_of, start_of
from common.statements import quick_rows
from providers.models import Provider
from vouchers.models import Programme
from vouchers.queries import MAY_LIMIT_USE


@dataclass(frozen=True, slots=True)
class Place:
    """The voucher that a row's usage belongs to, with its order where there is one.

    `rate` is the order's, in units of `unit` an hour; it is None in kind. Without an order the
    usage has no price of its own, and `resource_class` is empty. Use counts within
    [`valid_from`, `valid_until`), the voucher's days, and not before `placed_at`. `has_window`
    says whether a law of the programme limits until when use may be told.
    """

    voucher: int
    order: int | None
    order_code: str
    resource: str
    unit: str
    zone: str
    rate: Decimal | None
    resource_class: str
    valid_from: datetime
    valid_until: datetime
    placed_at: datetime
    has_window: bool


# An order is looked for by its code, by the provider's own name for it, and by its voucher's
# code, each by an index; what the provider has not accepted is no order yet. Vouchers of
# programmes that pay after use have no orders; there the voucher itself is it.
_HAS_WINDOW = f"""exists (
        select from vouchers_policyversion l
        where l.programme_id = p.id and l.text {MAY_LIMIT_USE})"""
_AFTER_USE = ", ".join(f"'{mode.value}'" for mode in Programme.AFTER_USE)
_PLACES = f"""
    with named as materialized (
        select account, nullif(upper(account), '') as code
        from json_array_elements_text(%(accounts)s::json) account
    ), found as (
        select n.account, 3 as rank, o.id as order_id from named n
        join vouchers_order o on o.code = n.code
        union all
        select n.account, 2, o.id from named n
        join vouchers_order o on lower(o.provider_reference) = n.account
        union all
        select n.account, 1, o.id from named n
        join vouchers_voucher v on v.code = n.code join vouchers_order o on o.voucher_id = v.id
    )
    select f.account, f.rank, o.status = 'OPEN', v.id, o.id, o.code, s.resource, p.unit, p.zone,
        c.rate, s.resource_class, v.valid_from_on, v.valid_until_on, o.placed_at, {_HAS_WINDOW}
    from found f
    join vouchers_order o on o.id = f.order_id and o.status <> 'PLACED'
    join providers_offer s on s.id = o.offer_id and s.provider_id = %(provider)s
    left join providers_price c on c.id = o.price_id
    join vouchers_voucher v on v.id = o.voucher_id
    join vouchers_programme p on p.id = v.programme_id
    union all
    select n.account, 0, true, v.id, null, '', '', p.unit, p.zone, null, '',
        v.valid_from_on, v.valid_until_on, null, {_HAS_WINDOW}
    from named n
    join vouchers_voucher v on v.code = n.code
    join vouchers_programme p on p.id = v.programme_id and p.mode in ({_AFTER_USE})
    order by 14, 5
"""  # noqa: S608 - of constants


class _Found(NamedTuple):
    """A place that an account may mean; of several ranks the highest is meant."""

    account: str
    rank: int
    is_open: bool
    voucher: int
    order: int | None
    order_code: str
    resource: str
    unit: str
    zone: str
    rate: Decimal | None
    resource_class: str
    valid_from_on: date
    valid_until_on: date
    placed_at: datetime | None
    has_window: bool


def places_of(provider: Provider, accounts: set[str]) -> dict[str, Place | int]:
    """Return where each account leads: an order's code first, then a reference, then a voucher.

    A number instead of a place says how many open orders the account may mean.

    Case is ignored: a batch system such as Slurm writes account names in small letters.
    """
    wanted = {account.lower() for account in accounts if account}
    asked: dict[str, Any] = {
        "accounts": json.dumps(list(wanted)),
        "provider": Int8(provider.pk),
    }
    groups: dict[str, list[_Found]] = {}
    for one in map(_Found._make, quick_rows(_PLACES, asked)):
        groups.setdefault(one.account, []).append(one)
    places = {account: _chosen(group) for account, group in groups.items()}
    return {
        account: places[account.lower()] for account in accounts if account.lower() in places
    }


def _chosen(group: Sequence[_Found]) -> Place | int:
    rank = max(one.rank for one in group)
    found = [one for one in group if one.rank == rank]
    still_open = [one for one in found if one.is_open]
    if len(still_open) > 1:
        return len(still_open)
    return _place_of((still_open or found)[-1])


def _place_of(found: _Found) -> Place:
    from_at = start_of(found.valid_from_on, found.zone)
    return Place(
        voucher=found.voucher,
        order=found.order,
        order_code=found.order_code,
        resource=found.resource,
        unit=found.unit,
        zone=found.zone,
        rate=found.rate,
        resource_class=found.resource_class,
        valid_from=from_at,
        valid_until=end_of(found.valid_until_on, found.zone),
        placed_at=found.placed_at or from_at,
        has_window=found.has_window,
    )
