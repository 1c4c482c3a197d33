"""What every statement adapter produces: entries of one account, balances, and warnings."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.bank.party import AccountNumber

BOOKED = "BOOK"

# fmt: off
WARNINGS: dict[str, Any] = {
    "schema": _("Line %(line)s breaks the message's schema: %(words)s"),
    "no_schema": _(
        "We have no schema of %(message)s, so the file's form was not checked. All that we rely "
        "on was."),
    "uetr_invalid": _("The UETR “%(value)s” is not a UUID of version 4."),
    "country_invalid": _("The country “%(value)s” is not a code of two letters."),
    "bic_element": _("The bank's code stands in %(found)s; this version calls it %(expected)s."),
    "balance_missing": _("The statement has no %(kind)s balance in %(currency)s."),
    "balance_currency": _(
        "The %(kind)s balance is in %(found)s; the account is in %(currency)s."),
    "balances_differ": _(
        "Opening balance and entries make %(expected)s; the closing balance is %(found)s "
        "(minor units)."),
    "entries_counted": _("The statement says it has %(said)s entries; we found %(found)s."),
    "details_differ": _(
        "The details of this entry add up to %(found)s and the entry is %(expected)s "
        "(minor units). We took the entry as a whole, without an end-to-end id."),
    "details_without_amounts": _(
        "This entry stands for %(count)s payments without their amounts. "
        "We took it as a whole."),
    "detail_differs": _(
        "The detail says %(found)s and the entry is %(expected)s. We took the entry's amount."),
    "date_missing": _("This entry has no booking date; we took %(taken)s."),
    "reference_repeated": _("The bank's reference %(reference)s stands at %(count)s entries."),
    "id_repeated": _("The end-to-end id %(end_to_end_id)s stands at %(count)s payments."),
}
# fmt: on


@dataclass(frozen=True, slots=True)
class StatementWarning:
    """Something odd in a statement that a person should see; it was read nevertheless."""

    code: str
    place: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Return what is odd, in the language of the moment."""
        return str(WARNINGS[self.code]) % self.values


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement on the account, of one payment where the bank tells them apart.

    `is_credit` is as seen by the account's owner. `reference` is the bank's own, else the
    transaction's; `place` says where in the file it stands.
    """

    place: str
    reference: str
    end_to_end_id: str | None
    creditor_reference: str | None
    amount_minor: int
    currency: str
    is_credit: bool
    is_returned: bool
    status: str
    booked_on: date
    counterparty: str
    counterparty_account: str
    remittance: str
    reason_code: str | None

    @property
    def is_booked(self) -> bool:
        """Say whether the money has moved, as against being announced."""
        return self.status == BOOKED


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of one account; balances are minor units, negative when overdrawn."""

    message: str
    message_id: str
    statement_id: str
    account: AccountNumber
    currency: str
    from_on: date | None
    to_on: date | None
    opening_minor: int | None
    closing_minor: int | None
    entries: tuple[Entry, ...]
    warnings: tuple[StatementWarning, ...]


def repeats(entries: tuple[Entry, ...], place: str) -> Iterator[StatementWarning]:
    """Give a warning for each bank reference, and each id of one direction, that comes again."""
    references = Counter(one.reference for one in entries if one.reference)
    ids = Counter((one.end_to_end_id, one.is_credit) for one in entries if one.end_to_end_id)
    for reference, count in references.items():
        if count > 1:
            values: dict[str, object] = {"reference": reference, "count": count}
            yield StatementWarning("reference_repeated", place, values)
    for (end_to_end_id, _direction), count in ids.items():
        if count > 1:
            values = {"end_to_end_id": end_to_end_id, "count": count}
            yield StatementWarning("id_repeated", place, values)
