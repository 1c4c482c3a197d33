"""Every figure in words, and the one query that it equals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FEWEST = 5
"""Breakdowns by organisation are not shown for fewer than so many."""

Measure = Literal["AMOUNT", "RATIO", "COUNT", "GPU_MS", "COST", "DAYS"]
Section = Literal["BUDGET", "USE", "CONCENTRATION", "FUNNEL"]


@dataclass(frozen=True)
class Definition:
    """A figure's code for ever, its words, what it is measured in, and where it is read.

    `statement` is SQL with `{at}`, `{accounts}` (a condition on `ledger_account a`) and
    `{programmes}` (one on `vouchers_programme p`) left open, and for a cost `{minor}`, the
    minor units of a whole one.
    """

    code: str
    section: Section
    measure: Measure
    title: Promise
    words: Promise
    query_name: str
    statement: str


_FLOWS = "ledger.queries.flows_as_of"
_VOUCHERS = "ledger.queries.vouchers_as_of"
_CONSUMED = "ledger.queries.consumed_as_of"


def _net(kinds: str, side: str = "e.credit - e.debit") -> str:
    return f"""\
select coalesce(sum({side}), 0)
from ledger_entry e
join ledger_account a on a.id = e.account_id
where a.kind in ({kinds}) and {{accounts}} and e.at <= {{at}}"""  # noqa: S608 - constants of this module


def _flow(flows: str) -> str:
    return f"""\
select coalesce(sum(case when t.kind = 5 then -t.amount else t.amount end), 0)
from ledger_transfer t
join ledger_account a on a.id = t.debit_id
where t.flow in ({flows}) and t.kind in (1, 3, 5) and {{accounts}} and t.at <= {{at}}"""  # noqa: S608 - constants of this module


def _ratio(above: str, below: str) -> str:
    return f"""\
select round(({above})::numeric
    / nullif(({below}), 0), 4)"""


_HELD = """\
select coalesce(sum(case when t.kind = 2 then t.amount else -t.amount end), 0)
from ledger_transfer t
join ledger_account a on a.id = t.debit_id
where a.kind = 30 and t.kind in (2, 3, 4, 6) and {accounts} and t.at <= {at}"""

_METERED = """\
select coalesce(sum(u.quantity_ms), 0)
from billing_metereduse u
join vouchers_voucher v on v.id = u.voucher_id
join vouchers_programme p on p.id = v.programme_id
where u.resource = 'GPU' and {programmes} and u.recorded_at <= {at}"""

# Use that a correction took back by then is none, and nor is what takes it back.
_DAYS_TO_FIRST_USE = """\
select round((percentile_cont(0.5) within group (order by extract(epoch from first_at - issued_at))
    / 86400)::numeric, 4)
from (
    select v.issued_at, min(u.started_at) as first_at
    from billing_metereduse u
    join vouchers_voucher v on v.id = u.voucher_id
    join vouchers_programme p on p.id = v.programme_id
    where {programmes} and u.recorded_at <= {at} and not u.is_opposite
        and (u.taken_back_at is null or u.taken_back_at > {at})
    group by v.id
) as used"""

_TAKEN = """\
    select a.address, w.address as toward, t.flow,
        coalesce(r.hold_id, t.hold_id) as hold, coalesce(r.act_id, t.act_id) as act_id,
        case when t.kind = 5 then -t.amount else t.amount end as amount
    from ledger_transfer t
    left join ledger_transfer r on r.id = t.reverses_id
    join ledger_account a on a.id = case when t.kind = 5 then t.credit_id else t.debit_id end
    join ledger_account w on w.id = case when t.kind = 5 then t.debit_id else t.credit_id end
    where t.flow in (3, 4, 5) and t.kind in (1, 3, 5) and {accounts} and t.at <= {at}"""

_PROVIDER = """\
case
        when toward like 'provider\\_payable:%' then split_part(toward, ':', 3)
        when hold is not null then (
            select g.code from vouchers_order o
            join providers_offer f on f.id = o.offer_id
            join providers_provider s on s.id = f.provider_id
            join parties_organisation g on g.id = s.organisation_id
            where o.id = coalesce(
                (select c.order_id from vouchers_orderchange c where c.hold_before = taken.hold),
                (select i.id from vouchers_order i where i.hold = taken.hold)))
        else (
            select min(g.code) from billing_settlement z
            join billing_bill b on b.id = z.bill_id
            join providers_provider s on s.id = b.provider_id
            join parties_organisation g on g.id = s.organisation_id
            where z.act_id = taken.act_id)
    end"""

_BENEFICIARY = """\
(
        select g.code from vouchers_voucher v
        join parties_organisation g on g.id = v.organisation_id
        where v.code = split_part(taken.address, ':', 3))"""


def _shares(who: str, answer: str) -> str:
    return f"""\
with taken as (
{_TAKEN}
), named as (
    select {who} as who, amount from taken
), each as (
    select who, sum(amount) as amount from named
    where who is not null group by who having sum(amount) > 0
), ranked as (
    select amount, row_number() over (order by amount desc, who) as place from each
)
select {answer} from ranked"""  # noqa: S608 - constants of this module


_ORGANISATIONS = "count(*)"
_HHI = f"""case when count(*) >= {FEWEST}
    then round(sum(amount * amount)::numeric / (sum(amount) * sum(amount)), 4) end"""


def _top(places: int) -> str:
    return f"""case when count(*) >= {FEWEST}
    then round(sum(amount) filter (where place <= {places})::numeric / sum(amount), 4) end"""


_APPLIED = """\
select count(*)
from vouchers_application n
join vouchers_round r on r.id = n.round_id
join vouchers_programme p on p.id = r.programme_id
where {programmes} and n.sent_at <= {at}"""

_APPROVED = """\
select count(distinct n.id)
from vouchers_application n
join vouchers_round r on r.id = n.round_id
join vouchers_programme p on p.id = r.programme_id
join vouchers_decision d on d.application_id = n.id and d.outcome = 'PASS' and d.undoes_id is null
where {programmes} and d.decided_at <= {at} and not exists (
    select from vouchers_decision u where u.undoes_id = d.id and u.decided_at <= {at})"""

_ISSUED_COUNT = """\
select count(distinct t.credit_id)
from ledger_transfer t
join ledger_account a on a.id = t.credit_id
where a.kind = 30 and t.flow = 2 and t.kind = 1 and {accounts} and t.at <= {at}"""

_FIRST_HOLD = """\
select count(distinct t.debit_id)
from ledger_transfer t
join ledger_account a on a.id = t.debit_id
where a.kind = 30 and t.flow in (3, 4, 5) and t.kind in (1, 2) and {accounts} and t.at <= {at}"""

_FIRST_USE = """\
select count(distinct u.voucher_id)
from billing_metereduse u
join vouchers_voucher v on v.id = u.voucher_id
join vouchers_programme p on p.id = v.programme_id
where {programmes} and u.recorded_at <= {at} and not u.is_opposite
    and (u.taken_back_at is null or u.taken_back_at > {at})"""

_PAID_OUT = """\
select count(distinct a.id)
from ledger_transfer t
join ledger_account a on a.id = t.debit_id
join ledger_account w on w.id = t.credit_id
where t.flow in (3, 4, 5) and t.kind in (1, 3) and {accounts} and t.at <= {at}
    and (t.flow = 5 or exists (
        select from billing_payment m
        join billing_batch b on b.id = m.batch_id
        join billing_bankline l on l.payment_id = m.id and l.match = 'PAID'
        join billing_bankstatement s on s.id = l.statement_id
        where m.payable = w.address and b.prepared_at >= t.at and s.read_at <= {at}
            and not exists (
                select from billing_bankline k
                join billing_bankstatement f on f.id = k.statement_id
                where k.payment_id = m.id and k.match = 'RETURNED' and k.id > l.id
                    and f.read_at <= {at})))"""

_WITH_OUTCOME = """\
select count(distinct o.voucher_id)
from scoring_outcome o
join vouchers_voucher v on v.id = o.voucher_id
join vouchers_programme p on p.id = v.programme_id
where o.kind <> 'NONE' and {programmes} and o.reported_at <= {at}"""

_PAID = _net("60")
_ISSUED = _flow("2")
_CONSUMED_SUM = _flow("3, 4, 5")
_APPROPRIATED = _net("10", "e.debit - e.credit")

_COST = f"""\
select round(({_PAID})::numeric * 3600000 / {{minor}}
    / nullif(({_METERED}), 0), 4)"""

_ALL: tuple[Definition, ...] = (
    Definition("appropriated", "BUDGET", "AMOUNT", _("Budget"),
        _("Money or hours voted for the programme and allotted to its rounds."),
        _FLOWS, _APPROPRIATED),
    Definition("available", "BUDGET", "AMOUNT", _("Available"),
        _("Budget that is not committed to any voucher."), _FLOWS, _net("20")),
    Definition("committed", "BUDGET", "AMOUNT", _("In vouchers"),
        _("Issued in vouchers and not yet used, given back or expired. What is held for "
          "orders is part of it."), _FLOWS, _net("30")),
    Definition("held", "BUDGET", "AMOUNT", _("Held for orders"),
        _("The part of the vouchers' value that is set aside for orders."), _FLOWS, _HELD),
    Definition("payable", "BUDGET", "AMOUNT", _("Owed"),
        _("Settled, owed to providers or beneficiaries, and not yet sent to the bank."),
        _FLOWS, _net("40, 41")),
    Definition("clearing", "BUDGET", "AMOUNT", _("On the way to the bank"),
        _("Sent to the bank and not yet confirmed by its statement."), _FLOWS, _net("50")),
    Definition("paid", "BUDGET", "AMOUNT", _("Paid"),
        _("Confirmed by the bank's statement, less what was paid back."), _FLOWS, _PAID),
    Definition("delivered", "BUDGET", "AMOUNT", _("Delivered in kind"),
        _("Hours in kind that were settled as delivered."), _FLOWS, _net("42")),
    Definition("expired", "BUDGET", "AMOUNT", _("Expired"),
        _("Vouchers' value that expired and is not yet back in the budget."),
        _FLOWS, _net("70")),
    Definition("lapsed", "BUDGET", "AMOUNT", _("Lapsed"),
        _("Budget that went back to the treasury when its year ended."), _FLOWS, _net("75")),
    Definition("recovered", "BUDGET", "AMOUNT", _("Recovered"),
        _("Value claimed back and not yet put into the budget again."), _FLOWS, _net("90")),
    Definition("owed_back", "BUDGET", "AMOUNT", _("Owed back"),
        _("Claimed back and not yet returned. It is taken off the sum of the places."),
        _FLOWS, _net("80", "e.debit - e.credit")),
    Definition("unexplained", "BUDGET", "AMOUNT", _("Unexplained"),
        _("The budget less the sum of all places where it can be. It must be nothing."),
        _FLOWS, _net("10, 20, 30, 40, 41, 42, 50, 60, 70, 75, 80, 90",
                     "e.debit - e.credit")),
    Definition("issued", "USE", "AMOUNT", _("Issued"),
        _("All that was ever issued in vouchers, less issues that were reversed."),
        _FLOWS, _ISSUED),
    Definition("consumed", "USE", "AMOUNT", _("Used and settled"),
        _("Taken from vouchers: captured by settled bills, paid on claims, or delivered in "
          "kind, less corrections."), _FLOWS, _CONSUMED_SUM),
    Definition("given_back", "USE", "AMOUNT", _("Given back or expired"),
        _("All that left vouchers unused, whether the holder gave it back or it expired."),
        _FLOWS, _flow("9")),
    Definition("utilisation", "USE", "RATIO", _("Utilisation"),
        _("Used and settled, divided by issued."), _FLOWS, _ratio(_CONSUMED_SUM, _ISSUED)),
    Definition("absorption", "USE", "RATIO", _("Absorption"),
        _("Paid and delivered, divided by the budget."), _FLOWS,
        _ratio(_net("42, 60"), _APPROPRIATED)),
    Definition("given_back_share", "USE", "RATIO", _("Share given back or expired"),
        _("Given back or expired, divided by issued."), _FLOWS, _ratio(_flow("9"), _ISSUED)),
    Definition("metered", "USE", "GPU_MS", _("Metered GPU time"),
        _("All GPU time that providers' meters reported under vouchers and that was recorded "
          "here by then. CPU cores are not part of it."),
        "billing_metereduse", _METERED),
    Definition("cost_per_gpu_hour", "USE", "COST", _("Cost of one GPU-hour"),
        _("Public money paid, divided by metered GPU-hours. What holders paid themselves is "
          "not part of it; use that is metered and not yet paid for lowers it."),
        _FLOWS, _COST),
    Definition("days_to_first_use", "USE", "DAYS", _("Days to first use"),
        _("Median of the days from issue to the first metered use, over vouchers in use."),
        "billing_metereduse", _DAYS_TO_FIRST_USE),
    Definition("providers", "CONCENTRATION", "COUNT", _("Providers in use"),
        _("Providers with anything used and settled."), _CONSUMED,
        _shares(_PROVIDER, _ORGANISATIONS)),
    Definition("providers_hhi", "CONCENTRATION", "RATIO", _("Providers: HHI"),
        _("Sum of the squares of the providers' shares in what was used and settled: 1 is one "
          "provider, 0 is very many. Not shown for fewer than 5."), _CONSUMED,
        _shares(_PROVIDER, _HHI)),
    Definition("providers_cr1", "CONCENTRATION", "RATIO", _("Largest provider's share"),
        _("Share of the largest provider in what was used and settled. Not shown for fewer "
          "than 5 providers."), _CONSUMED, _shares(_PROVIDER, _top(1))),
    Definition("providers_cr5", "CONCENTRATION", "RATIO", _("Five largest providers' share"),
        _("Share of the five largest providers in what was used and settled. Not shown for "
          "fewer than 5 providers."), _CONSUMED, _shares(_PROVIDER, _top(5))),
    Definition("beneficiaries", "CONCENTRATION", "COUNT", _("Beneficiaries with use"),
        _("Organisations whose vouchers have anything used and settled."), _CONSUMED,
        _shares(_BENEFICIARY, _ORGANISATIONS)),
    Definition("beneficiaries_hhi", "CONCENTRATION", "RATIO", _("Beneficiaries: HHI"),
        _("Sum of the squares of the beneficiaries' shares in what was used and settled. Not "
          "shown for fewer than 5."), _CONSUMED, _shares(_BENEFICIARY, _HHI)),
    Definition("beneficiaries_cr1", "CONCENTRATION", "RATIO", _("Largest beneficiary's share"),
        _("Share of the largest beneficiary in what was used and settled. Not shown for fewer "
          "than 5 beneficiaries."), _CONSUMED, _shares(_BENEFICIARY, _top(1))),
    Definition("beneficiaries_cr5", "CONCENTRATION", "RATIO",
        _("Five largest beneficiaries' share"),
        _("Share of the five largest beneficiaries in what was used and settled. Not shown "
          "for fewer than 5 beneficiaries."), _CONSUMED, _shares(_BENEFICIARY, _top(5))),
    Definition("funnel_applied", "FUNNEL", "COUNT", _("Applied"),
        _("Applications that were sent."), "vouchers_application", _APPLIED),
    Definition("funnel_approved", "FUNNEL", "COUNT", _("Approved"),
        _("Applications with an approval that was not undone."),
        "vouchers_decision", _APPROVED),
    Definition("funnel_issued", "FUNNEL", "COUNT", _("Issued"),
        _("Vouchers that value was issued to."), _VOUCHERS, _ISSUED_COUNT),
    Definition("funnel_first_hold", "FUNNEL", "COUNT", _("First order"),
        _("Vouchers with a hold for an order or, where claims are paid after use, with a "
          "claim settled."), _VOUCHERS, _FIRST_HOLD),
    Definition("funnel_first_use", "FUNNEL", "COUNT", _("First use"),
        _("Vouchers with metered use, less corrections."), "billing_metereduse", _FIRST_USE),
    Definition("funnel_paid_out", "FUNNEL", "COUNT", _("Paid out"),
        _("Vouchers with a settled amount that the bank confirmed as paid, or that was "
          "delivered in kind."), _CONSUMED, _PAID_OUT),
    Definition("funnel_outcome", "FUNNEL", "COUNT", _("Outcome reported"),
        _("Vouchers with at least one outcome reported, with evidence."),
        "scoring_outcome", _WITH_OUTCOME),
)  # fmt: skip

DEFINITIONS: Mapping[str, Definition] = {one.code: one for one in _ALL}

# The places where budget can be; with `owed_back` taken off they add up to `appropriated`.
PLACES = (
    "available",
    "committed",
    "payable",
    "clearing",
    "paid",
    "delivered",
    "expired",
    "lapsed",
    "recovered",
)
