"""The steps of a trace before use: appropriation, budget, round, application, decision, voucher."""

from django.urls import reverse
from django.utils.translation import gettext as _

from common.formatting import money
from scoring.queries.traces import Trace
from scoring.told.rows import Row, Step, step
from vouchers import statuses as voucher_statuses
from vouchers.models import Voucher


def appropriation(found: Trace) -> Step:
    """Return the step “appropriation” of a trace."""
    rows = []
    for address, balance in found.balances.items():
        kind, _colon, rest = address.partition(":")
        if kind == "appropriation":
            rows.append(
                Row(
                    kind,
                    rest.replace(":", "/"),
                    address,
                    amount=balance.debit - balance.credit,
                    unit=balance.unit,
                    how=_(
                        "What the rounds of the year were allotted, less what was withdrawn."
                    ),
                    url=reverse("ledger_account", args=[address]),
                )
            )
    return step("appropriation", _("Appropriation"), rows)


def budget(found: Trace) -> Step:
    """Return the step “budget” of a trace."""
    programme, rows = found.programme, []
    if found.shows_budget and programme is not None:
        balance = found.balances.get(programme.account("available"))
        rows.append(
            Row(
                "programme",
                programme.code,
                programme.title_here,
                amount=balance.free if balance else 0,
                unit=programme.unit,
                how=_("Available now: what was allotted and is not committed to a voucher."),
                url=reverse("programme_budget", args=[programme.code]),
            )
        )
    return step("programme", _("Budget of the programme"), rows)


def rounds(found: Trace) -> Step:
    """Return the step “rounds” of a trace."""
    rows = [
        Row(
            "round",
            f"{one.programme.code}/{one.code}",
            one.code,
            at=one.opened_at,
            amount=one.budget,
            unit=one.programme.unit,
            how=_("The budget that the round was opened with."),
            url=reverse("programme", args=[one.programme.code]) if found.shows_budget else "",
            act=one.act_id,
        )
        for one in found.rounds
    ]
    return step("round", _("Round"), rows)


def applications(found: Trace) -> Step:
    """Return the step “applications” of a trace."""
    rows = [
        Row(
            "application",
            one.reference,
            one.reference,
            at=one.sent_at,
            status=voucher_statuses.APPLICATION[one.status],
            how=_("Sent in the round, with what was asked for."),
            url=reverse("application", args=[one.reference]),
            act=one.act_id,
        )
        for one in found.applications
    ]
    return step("application", _("Application"), rows)


def decisions(found: Trace) -> Step:
    """Return the step “decisions” of a trace."""
    decisions = {one.award.pk: (one.award, one.unit) for one in found.vouchers.rows}
    rows = [
        Row(
            "decision",
            str(one.pk),
            str(dict(type(one).Outcome.choices)[one.outcome]),
            at=one.decided_at,
            amount=one.awarded,
            unit=unit,
            how=_("By policy version %(number)s; it recommended %(amount)s.")
            % {
                "number": one.policy_version.number,
                "amount": money(one.recommended, unit),
            },
            url=reverse("application", args=[one.application.reference]),
            act=one.act_id,
            working=one.working,
        )
        for one, unit in decisions.values()
    ]
    return step("decision", _("Decision"), rows)


def vouchers(found: Trace) -> Step:
    """Return the step “vouchers” of a trace."""
    rows = [
        Row(
            "voucher",
            one.code,
            f"{one.code}, {one.organisation.name_here}",
            at=one.issued_at,
            amount=one.amount,
            unit=one.unit,
            status=voucher_statuses.VOUCHER[one.status],
            how=_part_of(one),
            url=reverse("voucher", args=[one.code]),
            act=one.act_id,
        )
        for one in found.vouchers.rows
    ]
    return step("voucher", _("Voucher"), rows, found.vouchers.count)


def _part_of(voucher: Voucher) -> str:
    if voucher.parent is not None:
        return _("A part of voucher %(code)s.") % {"code": voucher.parent.code}
    return _("Issued for what was awarded.")
