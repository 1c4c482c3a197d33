"""The steps of a trace to the bank and back: payable, batch, payment, bank line."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from billing import bank_statuses, reasons, statuses
from billing.models import Payment
from scoring.queries.traces import Trace
from scoring.told.rows import Row, Step, step


def payables(found: Trace) -> Step:
    """Return the step “payables” of a trace."""
    shown = {one.pk: one for one in found.settlements.rows}
    rows = []
    for part in found.parts:
        settlement = shown.get(part.settlement)
        if settlement is None:
            continue
        rows.append(
            Row(
                "settlement",
                str(part.settlement),
                _("%(bill)s to %(payment)s")
                % {"bill": settlement.bill.number, "payment": part.end_to_end_id},
                amount=part.amount,
                unit=settlement.bill.unit,
                how=_("Taken from %(payable)s: what was owed first is paid first.")
                % {"payable": part.payable},
                url=reverse("ledger_account", args=[part.payable])
                if found.shows_budget
                else "",
                act=part.sent_act or part.owed_act,
            )
        )
    return step("payable", _("Payable and transfer"), rows, len(rows))


def batches(found: Trace) -> Step:
    """Return the step “batches” of a trace."""
    # Whose payments stand beside one's own in a batch is not one's own business.
    if not found.shows_budget:
        return Step("batch", "")
    rows = {}
    for one in found.payments.rows:
        batch = one.batch
        file = getattr(batch, "file", None)
        how = _("The sum of its payments.")
        if file is not None:
            how += " " + _("File for the bank: %(name)s, SHA-256 %(sha)s.") % {
                "name": file.name,
                "sha": file.sha256,
            }
        rows[batch.pk] = Row(
            "batch",
            batch.code,
            batch.code,
            at=batch.released_at or batch.prepared_at,
            amount=batch.total,
            unit=batch.programme.unit,
            status=statuses.BATCH.get(batch.status),
            how=how,
            url=reverse("batch", args=[batch.code]),
            act=batch.act_id,
        )
    return step("batch", _("Batch and bank file"), rows.values())


def payments(found: Trace) -> Step:
    """Return the step “payments” of a trace."""
    rows = [_payment(one, is_staff=found.shows_budget) for one in found.payments.rows]
    return step("payment", _("Payment"), rows, found.payments.count)


def _payment(one: Payment, *, is_staff: bool) -> Row:
    said = one.answer_reason
    return Row(
        "payment",
        one.end_to_end_id,
        f"{one.end_to_end_id}, {one.payee.name_here}",
        at=one.answered_at,
        amount=one.amount,
        unit=one.unit,
        status=statuses.PAYMENT.get(one.status),
        how=_("What was due on %(payable)s when the batch was prepared.")
        % {"payable": one.payable}
        + (f" {said}" if said else ""),
        url=reverse("batch", args=[one.batch.code]) if is_staff else reverse("payments"),
    )


def bank_lines(found: Trace) -> Step:
    """Return the step “bank_lines” of a trace."""
    rows = []
    if found.shows_budget:
        rows = [
            _bank_line(line, "") for one in found.payments.rows for line in one.bank_lines_told
        ]
    alone = found.bank_line
    if alone is not None:
        told = {
            "pk": alone.pk,
            "statement": alone.statement_id,
            "name": alone.statement.name,
            "position": alone.position,
            "booked_on": alone.booked_on.isoformat(),
            "amount": alone.amount,
            "unit": alone.unit,
            "match": alone.match,
        }
        rows.append(_bank_line(told, reasons.sentence(alone.reason, alone.reason_values)))
    return step("bank_line", _("Bank line"), rows)


def _bank_line(line: Mapping[str, Any], why: str) -> Row:
    return Row(
        "bank_line",
        str(line["pk"]),
        _("%(statement)s, entry %(position)s")
        % {"statement": line["name"], "position": line["position"]},
        at=date.fromisoformat(line["booked_on"]),
        amount=line["amount"],
        unit=line["unit"],
        status=bank_statuses.BANK_LINE.get(line["match"]),
        how=why or _("As the bank booked it."),
        url=reverse("statement", args=[line["statement"]]),
    )
