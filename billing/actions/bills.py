"""Send a provider's bill for a period, or a beneficiary's claim after use."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.open_periods import require_open
from billing.models import Bill, UsageArchive
from billing.queries import BillLineInput, lines_of_use, price_of, scale_of
from billing.queries.increments import increments_of
from common.codes import new_code
from common.days import day_of
from common.errors import Refused
from common.formatting import day_text
from common.money import is_currency
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of
from providers.models import Provider
from vouchers.models import Programme

AMOUNT_MAX = 10**17
QUANTITY_MS_MAX = 10**15
RATE_MAX = Decimal(10**10)
YEARS = (2000, 2100)


class PeriodInvalid(Refused):
    """A period that ends before it begins, or not at a whole second."""

    code = "period_invalid"
    sentence = _(
        "The period from %(period_from)s to %(period_until)s can't be billed. It must end after "
        "it begins, both at a whole second."
    )


class PeriodFarOff(Refused):
    """A period in a year in which nothing was or will be used."""

    code = "period_far_off"
    sentence = _(
        "The period from %(period_from)s to %(period_until)s can't be billed. Give days of the "
        "years %(first_year)s to %(last_year)s."
    )


class InvoiceNumberMissing(Refused):
    """A bill without an invoice number, or with one that is too long."""

    code = "invoice_number_missing"
    sentence = _("Give your invoice number, of at most 60 characters.")


class BillNotForMode(Refused):
    """A bill or a claim that the programme's mode does not have."""

    code = "bill_not_for_mode"
    sentence = _(
        "In %(programme)s, %(payee)s is paid. Send a claim as the holder if the programme pays "
        "after use, or a bill as the provider if it doesn't."
    )


class NothingToBill(Refused):
    """No usage in the period that was not billed before."""

    code = "nothing_to_bill"
    sentence = _(
        "There is no metered use from %(period_from)s to %(period_until)s that was not billed "
        "before. Send the usage first, or check the period."
    )


class LineInvalid(Refused):
    """A line with a negative or impossible number, or without a usage key."""

    code = "line_invalid"
    sentence = _("Line %(row)s: %(field)s can't be %(value)s. Check this line.")


class LineArchived(Refused):
    """A line of use in the archive, where only what was decided for good lies."""

    code = "line_archived"
    sentence = _(
        "Line %(row)s: the use “%(key)s” was decided and archived, so it can't be billed again. "
        "Leave this line out."
    )


class AmountTooLarge(Refused):
    """A line or a bill above anything that can be paid."""

    code = "amount_too_large"
    sentence = _("The amount of this bill is more than can be paid. Check its rates.")


@transaction.atomic
def submit_bill(
    *,
    provider: Provider,
    programme: Programme,
    invoice_number: str,
    period_from: datetime,
    period_until: datetime,
    lines: Sequence[BillLineInput] | None,
    actor: User | str,
    at: datetime,
    key: str,
) -> Bill:
    """Send a bill for what was used within [period_from, period_until).

    Without lines, everything metered in the period under this programme's orders and not billed
    before is billed: only the part of each usage line inside the period counts, cut exactly in
    whole GPU-ms, up to the law's increment where it has one (`policy.metering.billed_ms`). A
    line costs its order's rate x quantity / hour, rounded half up to the minor unit once (see
    `billing.queries.price_of`); hours in kind have no price. Lines are
    taken as given, also when no meter knows them: settlement says what is accepted.

    :raises InvoiceNumberMissing: if there is no invoice number.
    :raises PeriodInvalid: if the period does not end after it begins, at whole seconds.
    :raises PeriodFarOff: if the period is not within the years 2000 to 2100.
    :raises BillNotForMode: if the programme pays the beneficiary after use.
    :raises PeriodClosed: if part of the period is in a month that was closed.
    :raises NothingToBill: if there is not a single line.
    :raises LineInvalid: naming the first line with an impossible number.
    :raises LineArchived: naming the first line of use that lies in the archive.
    :raises AmountTooLarge: if the sum can't be paid.
    :raises KeyReused: if the key was used for another bill.
    """
    if programme.is_claimed_after_use:
        raise BillNotForMode(programme=programme.title, payee=_("the holder"))
    check_heads(invoice_number, period_from, period_until)
    _check_lines(lines or ())
    given = None if lines is None else [_told(line) for line in lines]
    act = begin(
        kind=ActKind.SUBMIT_BILL,
        key=key,
        actor=address_of(actor),
        about=provider.address,
        at=at,
        payload={
            "programme": programme.code,
            "invoice_number": invoice_number,
            "period": [period_from, period_until],
            "lines": given,
        },
        details={"invoice_number": invoice_number},
    )
    if act.is_replay:
        return Bill.objects.get(act_id=act.id)
    # Bills of one provider queue here, so that none bills what another just did, and an earlier
    # invoice number always belongs to a lower key.
    Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    bill = Bill(
        number=unused_number("BL"),
        kind=Bill.Kind.BILL,
        programme=programme,
        provider=provider,
        payee=provider.organisation,
        invoice_number=invoice_number.strip(),
        period_from=period_from,
        period_until=period_until,
        facts={},
    )
    require_open(bill)
    send(bill, act, address_of(actor))
    count, total = _bill_metered(bill) if lines is None else _bill_given(bill, lines)
    if not count:
        last = period_until - timedelta(seconds=1)
        raise NothingToBill(
            period_from=day_text(day_of(period_from, programme.zone)),
            period_until=day_text(day_of(last, programme.zone)),
        )
    if total >= AMOUNT_MAX:
        raise AmountTooLarge
    bill.total = total
    bill.save(update_fields=["total"])
    return bill


def unused_number(prefix: str) -> str:
    """Return a number that no bill or claim has yet."""
    number = new_code(prefix)
    while Bill.objects.filter(number=number).exists():
        number = new_code(prefix)
    return number


def send(bill: Bill, act: Act, actor: str) -> None:
    """Write a bill as sent by the act; its total follows when its lines are there."""
    bill.unit = bill.programme.unit
    bill.status = Bill.Status.SENT
    bill.sent_by = actor
    bill.sent_at = act.at
    bill.total = 0
    bill.act_id = act.id
    bill.save(force_insert=True)


def check_heads(invoice_number: str, period_from: datetime, period_until: datetime) -> None:
    """Refuse a bill or a claim without an invoice number or with an impossible period.

    :raises InvoiceNumberMissing: if there is no invoice number, or it is too long.
    :raises PeriodInvalid: if the period does not end after it begins, at whole seconds.
    :raises PeriodFarOff: if the period is not within the years 2000 to 2100.
    """
    if not 0 < len(invoice_number.strip()) <= 60:
        raise InvoiceNumberMissing
    is_whole = not period_from.microsecond and not period_until.microsecond
    if period_from >= period_until or not is_whole:
        raise PeriodInvalid(period_from=period_from, period_until=period_until)
    first_year, last_year = YEARS
    # A year's first and last day have hours in another year where the clocks are different.
    if period_from.year < first_year - 1 or period_until.year > last_year + 1:
        raise PeriodFarOff(
            period_from=period_from,
            period_until=period_until,
            first_year=first_year,
            last_year=last_year,
        )


def _told(line: BillLineInput) -> list[object]:
    rate = None if line.rate is None else f"{line.rate.normalize():f}"
    return [line.source, line.key, line.quantity_ms, rate, line.amount]


def _check_lines(lines: Sequence[BillLineInput]) -> None:
    for row, line in enumerate(lines, start=1):
        limits: dict[str, tuple[int | Decimal | None, int | Decimal]] = {
            "quantity_ms": (line.quantity_ms, QUANTITY_MS_MAX),
            "rate": (line.rate, RATE_MAX),
            "amount": (line.amount, AMOUNT_MAX),
        }
        for name, (value, most) in limits.items():
            if value is not None and not 0 <= value < most:
                raise LineInvalid(row=row, field=name, value=value)
        if line.rate is not None and line.rate != line.rate.quantize(Decimal("0.0001")):
            raise LineInvalid(row=row, field="rate", value=line.rate)
        if not 0 < len(line.key) <= 160 or len(line.source) > 80:
            raise LineInvalid(row=row, field="key", value=line.key[:100])


# What is on an earlier bill for an overlapping period is not billed again, unless all of that
# bill was kept back for its invoice number. `not in` over a materialized list is looked up in a
# hash, however little the database's statistics know of the bills.
_METERED = """
    with {orders}billed as materialized (
        select l.usage_line_id from billing_bill b join billing_billline l on l.bill_id = b.id
        where b.provider_id = %(provider)s and b.period_from < %(until)s
            and b.period_until > %(from)s and l.usage_line_id is not null
            and coalesce((select w.reason from billing_verdict w where w.line_id = l.id
                order by w.id desc limit 1), '') <> 'invoice_sent_before'
    ), put as (
        insert into billing_billline (
            bill_id, row, voucher_id, order_id, usage_line_id, source, key, quantity_ms, rate,
            amount)
        select %(bill)s, row_number() over (order by u.order_id, u.started_at, u.id), u.voucher_id,
            u.order_id, u.id, u.source, u.key, inside.ms, coalesce(u.rate, 0),
            -- Priced when it was recorded, unless the period cuts through it.
            case when inside.ms = u.quantity_ms then u.amount
                when %(is_money)s then billing_price(coalesce(u.rate, 0), inside.ms, %(scale)s)
                else inside.ms end
        from billing_usageline u
        join vouchers_voucher v on v.id = u.voucher_id and v.programme_id = %(programme)s
        {join}
        cross join lateral (select case
            when u.started_at >= %(from)s and u.ended_at <= %(until)s and {is_metered}
            then u.quantity_ms else {billed} end as ms
        ) inside
        where u.provider_id = %(provider)s and u.started_at < %(until)s and u.ended_at > %(from)s
            and u.id >= %(low)s and u.id < %(high)s and u.order_id is not null and inside.ms > 0
            and u.id not in (select usage_line_id from billed)
            -- What was taken back is no use, and what takes it back is none either.
            and u.corrects_id is null
            and not exists (select from billing_usagecorrection c where c.line_id = u.id)
        returning amount
    )
    select count(*), coalesce(sum(amount), 0) from put
"""


def _bill_metered(bill: Bill) -> tuple[int, int]:
    low, high = lines_of_use(bill.period_from, bill.period_until)
    increments = increments_of(bill.programme)
    parameters: dict[str, Any] = {
        **increments.parameters,
        "bill": bill.pk,
        "provider": bill.provider_id,
        "programme": bill.programme_id,
        "zone": bill.programme.zone,
        "from": bill.period_from,
        "until": bill.period_until,
        "low": low,
        "high": high,
        "is_money": is_currency(bill.unit),
        "scale": scale_of(bill.unit),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            _METERED.format(
                orders=increments.orders,
                join=increments.join,
                is_metered="coalesce(n.seconds, 0) = 0" if increments.join else "true",
                billed=increments.billed("%(from)s", "%(until)s"),
            ),
            parameters,
        )
        count, total = cursor.fetchone()
    return int(count), int(total)


_FOUND = """
    with {orders}given as (
        select * from unnest(%(sources)s::text[], %(keys)s::text[])
            with ordinality as g (source, key, n)
    )
    select g.n, u.id, u.voucher_id, u.order_id, u.rate, {billed}
    from given g
    join billing_usagekey k
        on k.provider_id = %(provider)s and k.source = g.source and k.key = g.key
    join billing_usageline u on u.id = k.line_id
    join vouchers_voucher v on v.id = u.voucher_id and v.programme_id = %(programme)s
    {join}
    where u.corrects_id is null
        and not exists (select from billing_usagecorrection c where c.line_id = u.id)
"""
_COPY = """
    copy billing_billline (
        bill_id, row, voucher_id, order_id, usage_line_id, source, key, quantity_ms, rate, amount
    ) from stdin
"""
# Only decided months are archived: what is billed of them again is billed twice.
_ARCHIVED = """
    select g.n, g.key
    from unnest(%(sources)s::text[], %(keys)s::text[]) with ordinality as g (source, key, n)
    join billing_usagekey k
        on k.provider_id = %(provider)s and k.source = g.source and k.key = g.key
    where not exists (select from billing_usageline u where u.id = k.line_id)
    order by g.n limit 1
"""
_Found = tuple[int | None, int | None, int | None, Decimal | None, int]


def _bill_given(bill: Bill, lines: Sequence[BillLineInput]) -> tuple[int, int]:
    increments = increments_of(bill.programme)
    parameters: dict[str, Any] = {
        **increments.parameters,
        "from": bill.period_from,
        "until": bill.period_until,
        "sources": [line.source for line in lines],
        "keys": [line.key for line in lines],
        "provider": bill.provider_id,
        "programme": bill.programme_id,
        "zone": bill.programme.zone,
    }
    found_words = _FOUND.format(
        orders=increments.orders,
        join=increments.join,
        billed=increments.billed("%(from)s", "%(until)s"),
    )
    total = 0
    with connection.cursor() as cursor:
        if UsageArchive.objects.exists():
            cursor.execute(_ARCHIVED, parameters)
            for row, key in cursor.fetchall():
                raise LineArchived(row=row, key=key)
        cursor.execute(found_words, parameters)
        found: dict[int, _Found] = {row[0]: row[1:] for row in cursor.fetchall()}
        with cursor.copy(_COPY) as copy:
            for row, line in enumerate(lines, start=1):
                priced = _priced(line, found.get(row), bill.unit)
                if priced[-1] >= AMOUNT_MAX:
                    raise AmountTooLarge
                copy.write_row((bill.pk, row, *priced))
                total += priced[-1]
    return len(lines), total


def _priced(
    line: BillLineInput, found: _Found | None, unit: str
) -> tuple[int | None, int | None, int | None, str, str, int, Decimal, int]:
    usage_line, voucher, order, catalogue_rate, metered = found or (None, None, None, None, 0)
    quantity = metered if line.quantity_ms is None else line.quantity_ms
    rate = (catalogue_rate if line.rate is None else line.rate) or Decimal(0)
    amount = price_of(rate, quantity, unit) if line.amount is None else line.amount
    return voucher, order, usage_line, line.source, line.key, quantity, rate, amount
