"""How the entries of the bank are told: what each is, and what a person made of it."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from common.statuses import NOBODY, US, Status

THE_BANK: Final = _("Waiting for the bank.")
THE_PAYEE: Final = _("Waiting for the payee.")

BANK_LINE: Final = {
    "PAID": Status(
        _("Payment confirmed"),
        _("Payment confirmed"),
        "green",
        _("The bank has carried out a payment of ours."),
        NOBODY,
    ),
    "RETURNED": Status(
        _("Payment returned"),
        _("Payment returned"),
        "red",
        _("The bank sent a payment back. What it was for is owed again."),
        THE_PAYEE,
    ),
    "UNMATCHED": Status(
        _("Matches nothing"),
        _("Matches nothing"),
        "yellow",
        _("No payment of ours fits this entry. Nothing was moved; ask the bank."),
        US,
    ),
    "ANSWERED": Status(
        _("Answered before"),
        _("Answered before"),
        "grey",
        _("An earlier statement told the same. Nothing was moved again."),
        NOBODY,
    ),
    "TAKEN": Status(
        _("Bank took the order"),
        _("Bank took the order"),
        "blue",
        _("The bank has the order. It is paid when a statement says so."),
        THE_BANK,
    ),
}

# Why a person has to look at an entry of the bank.
ODDITY: Final = {
    "PARTIAL": Status(
        _("Less than the payment"),
        _("Less than the payment"),
        "yellow",
        _("The bank booked less than we ordered."),
        US,
    ),
    "RETURNED": Status(
        _("Payment came back"),
        _("Payment came back"),
        "red",
        _("It is owed again. Find out why before it is paid again."),
        US,
    ),
    "UNMATCHED": Status(
        _("Matches nothing"),
        _("Matches nothing"),
        "yellow",
        _("No payment of ours fits this entry. Nothing was moved; ask the bank."),
        US,
    ),
    "DUPLICATE": Status(
        _("Booked twice"),
        _("Booked twice"),
        "red",
        _("The bank booked a payment again that it had answered."),
        US,
    ),
    "FOREIGN": Status(
        _("Not of this account"),
        _("Not of this account"),
        "purple",
        _("Another currency, another account, or a payment that was not sent."),
        US,
    ),
}

# Where an odd entry stands.
ENTRY: Final = {
    "OPEN": Status(
        _("To look at"), _("To look at"), "yellow", _("Nobody has said what it is."), US
    ),
    "PROPOSED": Status(
        _("Waiting for a second person"),
        _("Waiting for a second person"),
        "blue",
        _("One person has said which payment it is. Another one has to agree."),
        US,
    ),
    "ASKED": Status(
        _("The bank was asked"),
        _("The bank was asked"),
        "blue",
        _("The bank has to say what it is."),
        THE_BANK,
    ),
    "DONE": Status(
        _("Resolved"), _("Resolved"), "green", _("A person has said what it is."), NOBODY
    ),
}
RESOLUTION: Final[dict[str, Any]] = {
    "THIS_PAYMENT": _("It is this payment"),
    "PAID_IN_PART": _("The bank paid this payment in part"),
    "NOT_OURS": _("It is not ours"),
    "ASKED_BANK": _("I asked the bank"),
    "DUPLICATE": _("It is a duplicate"),
    "DEALT_WITH": _("It is dealt with"),
    "REPAYMENT": _("It is the repayment of a recovery"),
}

# In what form the bank said it.
BANK_FORMAT: Final[dict[str, Any]] = {
    "STATEMENT": _("Statement"),
    "NOTICE": _("Notice of debits and credits"),
    "REPORT": _("Status report"),
    "MT940": _("Statement"),
    "CSV": _("Table of entries"),
}
FOUND_BY: Final[dict[str, Any]] = {
    "": "",
    "END_TO_END_ID": _("End-to-end id"),
    "BANK_REFERENCE": _("Bank's reference"),
    "RF_REFERENCE": _("RF reference"),
    "PAYMENT_FILE": _("Payment file"),
}
