"""Why a line was not accepted whole, a bank entry matches nothing, or a row was not recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.usage.record import RowError
from common.formatting import gpu_hours, money

# Why a line waits that no rule has anything against: its holder's word, or silence.
OF_HOLDER = ("objected", "not_confirmed")

# fmt: off
REASONS: dict[str, Any] = {
    # Lines of a bill or claim.
    "billed_above_meter": _(
        "Billed: %(billed_ms)s; the meter shows %(metered_ms)s in the bill's period. The "
        "difference is withheld. Send the missing usage, or bill what was metered."),
    "fee_above_meter": _(
        "The fee claimed is %(fee_amount)s. The meter shows %(metered_ms)s in the claim's period, "
        "which at the provider's published price of at most %(rate)s %(unit)s an hour come to "
        "%(metered_amount)s. The difference is withheld."),
    "target_missed": _(
        "%(figure)s were assessed, less than the %(least)s that earn anything. "
        "Nothing is paid for the target unless a newer assessment finds more."),
    "target_part_met": _(
        "%(figure)s were assessed; %(full)s earn the whole award. What is not earned "
        "is withheld unless a newer assessment finds more."),
    "own_share_not_proven": _(
        "The law asks for proof that the holder paid its own share, %(own_amount)s; "
        "%(proven_amount)s are proven. The claim waits until an officer has accepted proof "
        "of the rest."),
    "no_price": _(
        "The provider publishes no price in %(unit)s for what was metered, so the fee can't be "
        "compared with it. An officer looks at the claim."),
    "claim_billed_before": _(
        "Claim %(bill)s for this voucher and provider was accepted for days of the same period. "
        "Use is paid once, so this claim is withheld; claim for the other days."),
    "line_billed_before": _(
        "This usage is already on bill %(bill)s. It is paid once, so this line is withheld."),
    "invoice_sent_before": _(
        "Invoice number %(invoice_number)s was already used for bill %(bill)s. All lines are "
        "withheld until somebody has looked; send a corrected bill under a new number."),
    "beyond_hold": _(
        "%(beyond_amount)s is beyond what was still set aside for this order. The voucher "
        "does not cover it; the holder owes it to the provider."),
    "no_meter": _(
        "No meter shows this use in the bill's period, so it is withheld. Send the usage "
        "first, then bill it again."),
    "price_above_catalogue": _(
        "Billed at %(billed_rate)s an hour; the order's price is %(catalogue_rate)s. The "
        "difference is withheld."),
    "outside_validity": _(
        "The voucher is valid from %(valid_from_on)s to %(valid_until_on)s; use outside "
        "these days is withheld."),
    "objected": _("The holder objects to this line: “%(note)s”. It is withheld."),
    "not_confirmed": _(
        "The holder did not confirm this line in time. By the programme's law it is withheld "
        "until an officer has looked."),
    "accepted_after_look": _("Accepted after a look: “%(note)s”."),
    "accepted_in_part": _(
        "Accepted in part after a look: %(accepted_amount)s more; %(declined_amount)s are not "
        "accepted. “%(note)s”."),
    "not_accepted": _("Not accepted after a look: “%(note)s”."),
    "reply_overdue": _(
        "The provider did not reply to the objection within %(days)s days. By the programme's law "
        "(%(clause)s) the line is not accepted."),
    "verdict_overdue": _(
        "No officer decided the objection within %(days)s days. By the programme's law "
        "(%(clause)s) it stands, and the line is not accepted."),
    "accepted_overdue": _(
        "No officer decided the objection within %(days)s days. By the programme's law "
        "(%(clause)s) the line is accepted."),
    # What was settled and is not paid yet.
    "invoice_missing": _(
        "The law asks for the provider's invoice before bill %(bill)s is paid. It is attached on "
        "the page of the bill."),
    "behind_invoice": _(
        "What was owed first is paid first: bill %(bill)s waits for its provider's invoice, and "
        "this waits behind it."),
    # Entries of a bank statement.
    "bank_matches_nothing": _(
        "No payment of ours carries the end-to-end id “%(end_to_end_id)s”. Ask the bank what "
        "this entry is."),
    "bank_no_id": _(
        "This entry carries no end-to-end id, so it can't be matched. Ask the bank what it is."),
    "bank_amount_differs": _(
        "The payment %(end_to_end_id)s is of %(expected_amount)s; the bank booked "
        "%(found_amount)s %(found_unit)s. Ask the bank why."),
    "bank_not_booked": _(
        "The bank announces this entry (status %(status)s) and has not booked it yet. It is "
        "matched when a statement says that it is booked."),
    "bank_not_sent": _(
        "The payment %(end_to_end_id)s was not sent to the bank by us. Ask the bank who "
        "ordered it."),
    "bank_other_account": _(
        "The payment %(end_to_end_id)s was not ordered from this account. Check that the "
        "statement is of the account that pays."),
    "bank_credit_unexpected": _(
        "Money came in under the id %(end_to_end_id)s of a payment, and the bank does not call "
        "it a return. Ask the bank what it is."),
    "bank_debit_unexpected": _(
        "The bank took the returned payment %(end_to_end_id)s again. Ask the bank why."),
    "bank_references_differ": _(
        "The entry carries the id of %(end_to_end_id)s and the reference of %(other)s. Ask the "
        "bank which of the two it is."),
    "bank_currency_differs": _(
        "The payment %(end_to_end_id)s is in %(unit)s; this entry is in %(found_unit)s. Ask the "
        "bank what it is."),
    "bank_amount_nothing": _(
        "The bank booked nothing under the id %(end_to_end_id)s of a payment of "
        "%(expected_amount)s. Ask the bank why."),
    "bank_booked_twice": _(
        "The payment %(end_to_end_id)s was answered before (%(status)s), and this is another "
        "booking of it. Ask the bank to undo one of the two."),
    "bank_paid_after_return": _(
        "The payment %(end_to_end_id)s is due again because the bank rejected it, and now the "
        "bank has paid it. Ask the bank, and pay it to nobody meanwhile."),
    "bank_other_file": _(
        "The payment %(end_to_end_id)s is not of the payment file %(batch)s that this report "
        "answers. Ask the bank what it means."),
    "bank_took_order": _(
        "The bank took the order of %(end_to_end_id)s (status %(status)s). It is paid when a "
        "statement says that it is booked."),
    "bank_status_unknown": _(
        "The bank reports a status that we do not know for %(end_to_end_id)s: %(status)s. Ask the "
        "bank what it means."),
    "bank_rejected_after_booking": _(
        "The bank rejects the payment %(end_to_end_id)s, of which a statement said that it was "
        "booked (%(status)s). Ask the bank which of the two is true; nothing changed."),
    "bank_file_differs": _(
        "The bank rejects the payment file %(batch)s with %(count)s payments that come to "
        "%(found)s; we sent %(expected_count)s that come to %(expected_amount)s. Nothing changed; "
        "ask the bank which file it means."),
    "bank_answered_before": _(
        "The payment %(end_to_end_id)s was answered before (%(status)s); nothing changed."),
}

# What can be wrong with a row beside what its reader finds: problem and fix.
ROW_PROBLEMS: dict[str, tuple[Any, Any]] = {
    "account_unknown": (
        _("“%(value)s” is no order, reference or voucher of yours."),
        _("Use the order's code, or the reference that you gave when you redeemed the voucher.")),
    "account_ambiguous": (
        _("“%(value)s” stands for %(count)s open orders."),
        _("Use the code of the order that this usage belongs to.")),
    "resource_differs": (
        _("This row is of %(found)s; the order %(order)s is of %(expected)s."),
        _("Check the resource, or use another order.")),
    "class_differs": (
        _("This row is of %(value)s; the order %(order)s is of %(expected)s."),
        _("Check the class, or use an order of that class.")),
    "ends_in_future": (
        _("This run ends at %(value)s, which has not come yet."),
        _("Check the end and its time zone. Send a run once it has ended.")),
    "outside_voucher": (
        _("The use at %(value)s lies outside the voucher’s days, %(valid_from)s to "
          "%(valid_until)s."),
        _("Check the times, or give the order that the use belongs to.")),
    "before_order": (
        _("The use at %(value)s was over before the order %(order)s was placed at %(placed_at)s."),
        _("Check the times, or give the order that the use belongs to.")),
    "beyond_capacity": (
        _("In the hour from %(hour)s your registered %(class)s come to %(most)s GPU-hours. "
          "%(used)s of them are taken, and this row is %(value)s GPU-hours in all."),
        _("Check the count and the times, or bring your capacity register up to date first.")),
    "device_in_use_archived": (
        _("The GPU %(value)s was in use until %(busy_until)s for a run that lies in the archive, "
          "and a GPU runs one job at a time."),
        _("Check the GPU’s name and the times of this run.")),
    "too_late": (
        _("This use ended at %(value)s. By the programme’s law (%(clause)s) it could be sent "
          "until %(until)s."),
        _("Check the end and its time zone. What comes later is not paid by the programme.")),
    "not_recorded_then": (
        _("This row was not recorded when it was first sent; the first answer says why."),
        _("Send it again under a new key once it is mended.")),
    "recorded_and_archived": (
        _("A usage line of this name was recorded before, and lies in the archive of its month."),
        _("What was recorded stays. Give another interval a key of its own.")),
    "recorded_before": (
        _("This usage was recorded before with %(before)s; this row says %(now)s."),
        _("What was recorded stays. If it was wrong, correct it on the page of that line.")),
    "quantity_too_large": (
        _("%(count)s resources for this long is more than one row can be."),
        _("Check the count and the times.")),
}

# What an audit of a usage file asks about, and which of its months have no bill; nothing of the
# file is refused for it.
WARNINGS: dict[str, Any] = {
    "costs_rounded": _(
        "%(rows)s GPU rows have %(columns)s rounded to whole units, while what was listed and "
        "billed is exact (first in row %(first_row)s). Ask whoever exported the file for exact "
        "costs."),
    "period_closed": _(
        "%(month)s of %(programme)s was closed, so the lines of this file in that month are "
        "recorded without a bill. Ask the authority if they should be paid."),
    "amount_too_large": _(
        "A bill for %(month)s of %(programme)s would come to more than can be paid, so this file "
        "makes none. Check the counts and the times."),
    "period_far_off": _(
        "No bill can be sent for %(month)s of %(programme)s, so this file makes none. Check the "
        "year."),
}
# fmt: on


def warning_of(stored: Mapping[str, Any]) -> str:
    """Return what an audit would ask about a file, or why one of its months has no bill.

    In the language of the moment. `stored` has its `code` and `values`; the programme of a month
    without a bill is named as its values name it.
    """
    return str(WARNINGS[stored["code"]] % stored["values"])


@dataclass(frozen=True, slots=True)
class UnrecordedRow(RowError):
    """A row that was read and could not be recorded."""

    @property
    def problem(self) -> str:
        """Return what is wrong, in the language of the moment."""
        return str(ROW_PROBLEMS[self.code][0]) % self._named()

    @property
    def fix(self) -> str:
        """Return what to do about it, in the language of the moment."""
        return str(ROW_PROBLEMS[self.code][1]) % self._named()


def row_error_of(stored: Mapping[str, Any]) -> RowError:
    """Return the error of a row that `stored_row_error` made storable."""
    made = UnrecordedRow if stored["code"] in ROW_PROBLEMS else RowError
    return made(
        stored["row"], stored["column"], stored["value"], stored["code"], stored["values"]
    )


def stored_row_error(error: RowError) -> dict[str, Any]:
    """Return the error of a row as plain fields, codes and not words, for storing as JSON."""
    values = {name: _plain(value) for name, value in error.values.items()}
    return {
        "row": error.row,
        "column": error.column,
        "value": error.value,
        "code": error.code,
        "values": values,
    }


def _plain(value: object) -> object:
    return value if isinstance(value, int | str) else str(value)


def sentence(code: str, values: Mapping[str, Any]) -> str:
    """Return a reason in the language of the moment; an empty code has no words.

    Values whose name ends in `_ms` are shown as hours, in `_amount` as amounts of `unit`.
    """
    if not code:
        return ""
    unit = values.get("unit", "")
    shown = {name: _shown(name, value, unit) for name, value in values.items()}
    return str(REASONS[code]) % shown


def _shown(name: str, value: Any, unit: str) -> str:
    if name.endswith("_ms"):
        return gpu_hours(value)
    return money(value, unit) if name.endswith("_amount") else str(value)
