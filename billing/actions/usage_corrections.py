"""Take a recorded line back by its opposite, with a word why, and record the right one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing.actions import binary_rows as binary
from billing.actions.line_acts import checked_note
from billing.actions.line_numbers import LineNumbers
from billing.actions.recording import record
from billing.actions.usage_hours import Hours, take_back_hours
from billing.models import Bill, BillLine, UsageKey, UsageLine
from billing.queries import correction_of
from billing.queries.archive import archived_lines, lines_numbered
from billing.usage.cells import CellProblem, read_interval
from billing.usage.record import NotExact, Parsed, Resource, RowError, UsageRecord
from common.errors import Refused
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of
from providers.models import Provider

_KEY_CHARACTERS_MAX = 160


class UsageBilled(Refused):
    """A line of use that stands on a bill or in a claim's period."""

    code = "usage_billed"
    sentence = _(
        "The use %(key)s is on %(bill)s already, so it can't be corrected any more. What was "
        "billed is decided on the bill: its holder objects to the line, or an officer declines it."
    )


class UsageCorrected(Refused):
    """A line of use that was taken back before."""

    code = "usage_corrected"
    sentence = _(
        "The use %(key)s was taken back on %(on)s already. Correct the line that stands in its "
        "place, or send that one under a key of its own."
    )


class UsageArchived(Refused):
    """A line of use of a month that was decided and put into the archive."""

    code = "usage_archived"
    sentence = _(
        "All of %(month)s was decided, and the use %(key)s lies in the archive since %(on)s, so "
        "it can't be corrected any more. If too much was paid for it, ask the authority: a "
        "finance officer corrects the settlement in the ledger."
    )


class UsageTakesBack(Refused):
    """A line that takes another one back."""

    code = "usage_takes_back"
    sentence = _(
        "The line %(key)s takes another one back and stays. Send what was used under a new key."
    )


class RightLineRefused(Refused):
    """What is to stand in the place of a line can't be recorded."""

    code = "right_line_refused"
    sentence = _("The right line can't be recorded: %(problem)s %(fix)s")


class RightKeyTaken(Refused):
    """What is to stand in the place of a line has the key of another."""

    code = "right_key_taken"
    sentence = _(
        "The key %(key)s names another line already. Give the right line one of its own."
    )


@dataclass(frozen=True, slots=True)
class Correction:
    """A line that was taken back, what takes it back, and what stands in its place if anything."""

    line: UsageLine
    opposite: UsageLine
    right: UsageLine | None


def right_of(
    line: UsageLine,
    *,
    key: str,
    count_thousandths: int,
    started_at: datetime,
    ended_at: datetime,
) -> UsageRecord:
    """Return what was truly used in the place of a line, of the same order and resource.

    :raises RightLineRefused: if a run can't be so, or its quantity is not exact.
    """
    started_at, ended_at = started_at.astimezone(UTC), ended_at.astimezone(UTC)
    resource: Resource = "GPU" if line.resource == "GPU" else "CPU"
    try:
        read_interval(started_at, ended_at)
        return UsageRecord(
            source=line.source,
            key=key,
            resource=resource,
            count_thousandths=count_thousandths,
            started_at=started_at,
            ended_at=ended_at,
            state=line.state,
            account=line.order.code if line.order else line.voucher.code,
            resource_class=line.resource_class,
            row=1,
            device=line.device,
        )
    except CellProblem as problem:
        raise _refused(problem.code, problem.values_named) from None
    except NotExact:
        count = f"{count_thousandths // 1000}.{count_thousandths % 1000:03}"
        raise _refused("time_too_fine", {"count": count}) from None


def _refused(code: str, values: Mapping[str, object]) -> RightLineRefused:
    error = RowError(1, "end", "", code, values)
    return RightLineRefused(problem=error.problem, fix=error.fix)


@transaction.atomic
def correct_usage(
    *,
    line: UsageLine,
    reason: str,
    right: UsageRecord | None,
    actor: User | str,
    at: datetime,
    key: str,
) -> Correction:
    """Take a line that is not billed back by its exact opposite, and record the right one.

    Nothing is changed or taken away: the opposite has the line's order, times and rate, and its
    count, quantity and amount with the other sign, so that sums and hours are as if neither was
    there. Its GPUs are free again. Neither is ever billed. `right` is recorded by the rules of
    any use, or nothing happens at all.

    :raises NoteMissing: if there are no words why, or too many.
    :raises UsageArchived: if the line lies in the archive.
    :raises UsageTakesBack: if the line takes another one back itself.
    :raises UsageCorrected: if it was taken back before.
    :raises UsageBilled: if it is on a bill, or in the period of a claim of its voucher.
    :raises RightKeyTaken: if the right line has the key of a line there is.
    :raises RightLineRefused: if the right line can't be recorded, saying why.
    :raises KeyReused: if the key was used for another correction.
    """
    reason = checked_note(reason)
    act = begin(
        kind=ActKind.CORRECT_USAGE,
        key=key,
        actor=address_of(actor),
        about=line.provider.address,
        at=at,
        payload={
            "line": line.pk,
            "reason": reason,
            "right": right
            and [right.key, right.count_thousandths, right.started_at, right.ended_at],
        },
        reason=reason,
        details={"key": str(line)},
    )
    # Bills, claims and files of one provider queue here: none of them bills what is taken back
    # meanwhile, and nothing is taken back that one of them just billed.
    provider = Provider.objects.select_for_update(no_key=True).get(pk=line.provider_id)
    if not act.is_replay:
        _require_correctable(line)
        _write_opposite(line, act)
        take_back_hours(provider, _hours_of(line))
        if right is not None:
            _record_right(provider, right, act)
    done = correction_of(line)
    assert done is not None
    return Correction(line, done.opposite, right and _named(provider, right))


def _require_correctable(line: UsageLine) -> None:
    # Having looked, nobody archives the month before this transaction is over.
    if not UsageLine.objects.filter(pk=line.pk).exists():
        archive = archived_lines([line.pk])[line.pk].archive
        assert archive is not None
        raise UsageArchived(
            key=line, month=f"{archive.month:%Y-%m}", on=f"{archive.archived_at:%Y-%m-%d}"
        )
    if line.corrects_id is not None:
        raise UsageTakesBack(key=line)
    before = correction_of(line)
    if before is not None:
        raise UsageCorrected(key=line, on=f"{before.opposite.recorded_at:%Y-%m-%d}")
    billed = bill_of(line)
    if billed is not None:
        raise UsageBilled(key=line, bill=billed.number)


def bill_of(line: UsageLine) -> Bill | None:
    """Return the first bill that a line of use is on, or the first claim of days it reaches."""
    lines = BillLine.objects.filter(usage_line=line)
    if line.order_id is None:
        lines = BillLine.objects.filter(
            voucher=line.voucher_id,
            bill__kind=Bill.Kind.CLAIM,
            bill__provider=line.provider_id,
            bill__period_from__lt=line.ended_at,
            bill__period_until__gt=line.started_at,
        )
    found = lines.select_related("bill").order_by("bill").first()
    return found.bill if found else None


def _write_opposite(line: UsageLine, act: Act) -> None:
    numbers = LineNumbers()
    numbers.fetch(1)
    UsageLine.objects.create(
        id=numbers.next(line.started_at.astimezone(UTC)),
        provider_id=line.provider_id,
        order_id=line.order_id,
        voucher_id=line.voucher_id,
        source=line.source,
        # No meter can have given this name to a line before.
        key=f"corrects:{line.pk}:{act.id}",
        resource=line.resource,
        resource_class=line.resource_class,
        count_thousandths=-line.count_thousandths,
        started_at=line.started_at,
        ended_at=line.ended_at,
        quantity_ms=-line.quantity_ms,
        state=line.state,
        rate=line.rate,
        amount=None if line.amount is None else -line.amount,
        recorded_at=act.at,
        act_id=act.id,
        corrects_id=line.pk,
    )


def _hours_of(line: UsageLine) -> Hours:
    hours = Hours()
    if line.resource == "GPU":
        of_order = line.order.offer.resource_class if line.order else ""
        hours.add(
            of_order or line.resource_class,
            line.count_thousandths,
            binary.instant(line.started_at),
            binary.instant(line.ended_at),
        )
    return hours


def _record_right(provider: Provider, right: UsageRecord, act: Act) -> None:
    if _named(provider, right) is not None:
        raise RightKeyTaken(key=right.key)
    if not 0 < len(right.key) <= _KEY_CHARACTERS_MAX:
        values = {"length": len(right.key), "most": _KEY_CHARACTERS_MAX}
        raise _refused("value_too_long", values)
    _parsed, tally = record(provider, None, lambda: Parsed(iter([right])), act)
    for error in tally.errors:
        raise RightLineRefused(problem=error.problem, fix=error.fix)


def _named(provider: Provider, right: UsageRecord) -> UsageLine | None:
    named = UsageKey.objects.filter(
        provider=provider, source=right.source, key=right.key
    ).first()
    return lines_numbered([named.line_id])[named.line_id] if named else None
