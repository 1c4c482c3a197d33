"""Work the figures out, each from the frames, and say of each which query it equals."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pandas as pd
from django.utils.translation import gettext as _

from common.money import GPU_MS_PER_HOUR, exponent, is_currency
from ledger.kinds import AccountKind, Flow, TransferKind
from scoring.indicators.frames import Frames, frames_at
from scoring.indicators.statements import DEFINITIONS, FEWEST, PLACES, Definition
from vouchers.models import Programme

Value = int | Decimal | None

_PLACES = 4
_POSTED = (TransferKind.POST, TransferKind.CAPTURE, TransferKind.REVERSE)
_CONSUMING = (Flow.REDEEM, Flow.CLAIM, Flow.DELIVER)


@dataclass(frozen=True)
class Scope:
    """What a figure is about: one programme, or all programmes of a unit (code `""`)."""

    code: str
    unit: str
    title: str


@dataclass(frozen=True)
class Figure:
    """One figure: its value at the report's instant, what it means, and where it is read.

    `unit` is the programme's unit, `ratio`, `count`, `GPU-ms`, `days`, or such as
    `CNY/GPU-hour`. Amounts are minor units or GPU-ms. A value of None can't be worked out or,
    where `is_withheld`, may not be shown.
    """

    code: str
    scope: Scope
    section: str
    title: str
    value: Value
    unit: str
    definition: str
    query_name: str
    query_text: str
    is_withheld: bool


@dataclass(frozen=True)
class Report:
    """All figures of all scopes as of an instant; scopes of a whole unit come first."""

    at: datetime
    programme: str
    scopes: tuple[Scope, ...]
    figures: tuple[Figure, ...]

    def of(self, scope: Scope) -> dict[str, Figure]:
        """Return a scope's figures by their code."""
        return {one.code: one for one in self.figures if one.scope == scope}


def report(at: datetime, programme: str | None = None) -> Report:
    """Return every figure as it stood at an instant, past or present.

    :param programme: the code of one; without it, the total of each unit and every programme.
    """
    code = programme or ""
    scopes = tuple(_scopes(at, code))
    frames = frames_at(at, code)
    figures = tuple(figure for scope in scopes for figure in _figures(scope, frames, at))
    return Report(at, code, scopes, figures)


def _scopes(at: datetime, code: str) -> Iterable[Scope]:
    found = Programme.objects.filter(created_at__lte=at).order_by("unit", "code")
    if code:
        found = found.filter(code=code)
    programmes = list(found)
    if not code:
        for unit in sorted(
            {one.unit for one in programmes}, key=lambda u: (not is_currency(u), u)
        ):
            title = _("All programmes in %(unit)s") % {"unit": unit}
            yield Scope("", unit, title)
    for one in programmes:
        yield Scope(one.code, one.unit, one.title_here)


def _figures(scope: Scope, frames: Frames, at: datetime) -> Iterable[Figure]:
    column, key = ("programme", scope.code) if scope.code else ("unit", scope.unit)
    values = _values(frames.within(column, key), scope.unit)
    for code, definition in DEFINITIONS.items():
        yield Figure(
            code=code,
            scope=scope,
            section=definition.section,
            title=str(definition.title),
            value=values[code],
            unit=_unit(definition, scope),
            definition=str(definition.words),
            query_name=definition.query_name,
            query_text=_query(definition, scope, at),
            is_withheld=_is_withheld(code, values),
        )


def _unit(definition: Definition, scope: Scope) -> str:
    units = {
        "AMOUNT": scope.unit,
        "RATIO": "ratio",
        "COUNT": "count",
        "GPU_MS": "GPU-ms",
        "COST": f"{scope.unit}/GPU-hour",
        "DAYS": "days",
    }
    return units[definition.measure]


def _query(definition: Definition, scope: Scope, at: datetime) -> str:
    """Return the figure's query with its scope and instant filled in, ready to run."""
    if scope.code:
        accounts = f"split_part(a.address, ':', 2) = {_quoted(scope.code)}"
        programmes = f"p.code = {_quoted(scope.code)}"
    else:
        accounts = f"a.unit = {_quoted(scope.unit)}"
        programmes = f"p.unit = {_quoted(scope.unit)}"
    return definition.statement.format(
        at=f"timestamptz {_quoted(at.isoformat())}",
        accounts=accounts,
        programmes=programmes,
        # In kind there is no price: a division by nothing gives no figure.
        minor=f"{10 ** exponent(scope.unit)}" if is_currency(scope.unit) else "null",
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_withheld(code: str, values: dict[str, Value]) -> bool:
    group, _line, measure = code.partition("_")
    if group not in ("providers", "beneficiaries") or not measure:
        return False
    return 0 < (values[group] or 0) < FEWEST


# --- the values ------------------------------------------------------------------------------


def _values(frames: Frames, unit: str) -> dict[str, Value]:
    return {
        **_budget(frames.flows),
        **_use(frames, unit),
        **_concentration(frames.consumed, "provider", "providers"),
        **_concentration(frames.consumed, "beneficiary", "beneficiaries"),
        **_funnel(frames),
    }


def _sum(amounts: "pd.Series[Any]") -> int:
    # Amounts are Python's own integers, so that no sum overflows or turns into a float.
    return int(sum(amounts))


def _net(flows: pd.DataFrame, *kinds: AccountKind) -> int:
    posted = flows[flows["transfer_kind"].isin(_POSTED)]
    credits = posted[posted["credit_kind"].isin(kinds)]["amount"]
    debits = posted[posted["debit_kind"].isin(kinds)]["amount"]
    return _sum(credits) - _sum(debits)


def _moved(flows: pd.DataFrame, *roads: Flow) -> int:
    found = flows[flows["flow"].isin(roads) & flows["transfer_kind"].isin(_POSTED)]
    is_reversal = found["transfer_kind"] == TransferKind.REVERSE
    return _sum(found[~is_reversal]["amount"]) - _sum(found[is_reversal]["amount"])


def _held(flows: pd.DataFrame) -> int:
    found = flows[flows["debit_kind"] == AccountKind.VOUCHER]
    placed = found[found["transfer_kind"] == TransferKind.HOLD]["amount"]
    closing = (TransferKind.CAPTURE, TransferKind.RELEASE, TransferKind.LAPSE)
    freed = found[found["transfer_kind"].isin(closing)]["amount"]
    return _sum(placed) - _sum(freed)


def _budget(flows: pd.DataFrame) -> dict[str, Value]:
    kinds = AccountKind
    found = {
        "appropriated": -_net(flows, kinds.APPROPRIATION),
        "available": _net(flows, kinds.AVAILABLE),
        "committed": _net(flows, kinds.VOUCHER),
        "held": _held(flows),
        "payable": _net(flows, kinds.PROVIDER_PAYABLE, kinds.BENEFICIARY_PAYABLE),
        "clearing": _net(flows, kinds.CLEARING),
        "paid": _net(flows, kinds.PAID),
        "delivered": _net(flows, kinds.DELIVERED),
        "expired": _net(flows, kinds.EXPIRED),
        "lapsed": _net(flows, kinds.LAPSED),
        "recovered": _net(flows, kinds.RECOVERED),
        "owed_back": -_net(flows, kinds.RECEIVABLE),
    }
    places = sum(found[place] for place in PLACES)
    return {**found, "unexplained": found["appropriated"] - places + found["owed_back"]}


def _use(frames: Frames, unit: str) -> dict[str, Value]:
    flows = frames.flows
    issued, consumed = _moved(flows, Flow.ISSUE), _moved(flows, *_CONSUMING)
    given_back = _moved(flows, Flow.EXPIRE)
    paid = _net(flows, AccountKind.PAID)
    metered = _sum(frames.usage["ms"])
    cost = None
    if is_currency(unit):
        cost = _ratio(paid * GPU_MS_PER_HOUR, metered * 10 ** exponent(unit))
    return {
        "issued": issued,
        "consumed": consumed,
        "given_back": given_back,
        "utilisation": _ratio(consumed, issued),
        "absorption": _ratio(
            paid + _net(flows, AccountKind.DELIVERED), -_net(flows, AccountKind.APPROPRIATION)
        ),
        "given_back_share": _ratio(given_back, issued),
        "metered": metered,
        "cost_per_gpu_hour": cost,
        "days_to_first_use": _median_days(frames.usage),
    }


def _median_days(usage: pd.DataFrame) -> Decimal | None:
    waited = sorted(usage["waited_us"])
    if not waited:
        return None
    middle = waited[(len(waited) - 1) // 2] + waited[len(waited) // 2]
    return _ratio(middle, 2 * 86_400 * 1_000_000)


def _concentration(consumed: pd.DataFrame, column: str, name: str) -> dict[str, Value]:
    named = consumed[consumed[column] != ""]
    sums = [_sum(group["amount"]) for _who, group in named.groupby(column)]
    amounts = sorted((one for one in sums if one > 0), reverse=True)
    total = sum(amounts)
    found: dict[str, Value] = {f"{name}_hhi": None, f"{name}_cr1": None, f"{name}_cr5": None}
    if len(amounts) >= FEWEST:
        found = {
            f"{name}_hhi": _ratio(sum(one * one for one in amounts), total * total),
            f"{name}_cr1": _ratio(amounts[0], total),
            f"{name}_cr5": _ratio(sum(amounts[:5]), total),
        }
    return {name: len(amounts), **found}


def _funnel(frames: Frames) -> dict[str, Value]:
    applications, consumed = frames.applications, frames.consumed
    return {
        "funnel_applied": int(applications["is_sent"].sum()),
        "funnel_approved": int(applications["is_approved"].sum()),
        "funnel_issued": len(frames.vouchers),
        "funnel_first_hold": int(frames.vouchers["has_moved"].sum()),
        "funnel_first_use": int(frames.usage["voucher"].nunique()),
        "funnel_paid_out": int(consumed[consumed["is_paid"]]["voucher"].nunique()),
        "funnel_outcome": int(frames.outcomes["voucher"].nunique()),
    }


def _ratio(above: int, below: int) -> Decimal | None:
    """Return a quotient to four places, half up; of nothing there is none."""
    if not below:
        return None
    exact = Fraction(above * 10**_PLACES, below)
    half_up = floor(abs(exact) + Fraction(1, 2))
    return Decimal(half_up if exact >= 0 else -half_up).scaleb(-_PLACES)
