"""How bills, lines, batches, payments and bank entries are told."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.bank_statuses import (
    BANK_LINE,
    ENTRY,
    ODDITY,
    THE_BANK,
    THE_PAYEE,
)
from common.statuses import FINANCE, NOBODY, US, Status, StatusTable, table

# What a bill is, and what became of its settlement and its payment.
BILL: Final = {
    "SENT": Status(
        _("Sent"),
        _("Waiting for settlement"),
        "blue",
        _("We have it and look at each line. You need do nothing."),
        US,
    ),
    "STOPPED": Status(
        _("Settlement waits"),
        _("Settlement waits, provider suspended"),
        "yellow",
        _("We have it. It is settled once the suspension of the provider is over or lifted."),
        _("Waiting for the end of the suspension."),
    ),
    "UNPROVEN": Status(
        _("Own share not proven"),
        _("Waits for proof of the own share"),
        "yellow",
        _(
            "It is settled once the holder has proven that it paid its own share, and an officer "
            "has accepted the proof."
        ),
        _("Waiting for the holder."),
    ),
    "QUERIED": Status(
        _("Queried"),
        _("Settled, lines withheld"),
        "yellow",
        _("What was accepted is settled. Something is withheld until an officer has looked."),
        US,
    ),
    "TO_PAY": Status(
        _("Approved for payment"),
        _("Settled, waiting for a batch"),
        "green",
        _("It is settled and goes into the next payment batch."),
        US,
    ),
    "AT_BANK": Status(
        _("Sent to bank"),
        _("Sent to bank"),
        "blue",
        _("The payment was ordered. The bank has not answered yet."),
        THE_BANK,
    ),
    "PAID": Status(
        _("Paid"), _("Paid"), "green", _("The bank has confirmed the payment."), NOBODY
    ),
    "DELIVERED": Status(
        _("Settled"),
        _("Settled in kind"),
        "green",
        _("The hours are taken from the voucher. No money changes hands."),
        NOBODY,
    ),
    "NOT_ACCEPTED": Status(
        _("Not accepted"),
        _("Nothing accepted"),
        "red",
        _("Nothing is paid on it. The reason stands beside each line."),
        NOBODY,
    ),
}

LINE: Final = {
    "WAITING": Status(
        _("Not looked at yet"),
        _("No verdict yet"),
        "blue",
        _("The line is looked at when the bill is settled."),
        US,
    ),
    "ACCEPTED": Status(
        _("Accepted"), _("Accepted"), "green", _("The whole line counts."), NOBODY
    ),
    "REDUCED": Status(
        _("Part withheld"),
        _("Part withheld"),
        "yellow",
        _("Part of the line counts; the rest is withheld until an officer has looked."),
        US,
    ),
    "WITHHELD": Status(
        _("Withheld"),
        _("Withheld"),
        "yellow",
        _("The line is withheld until an officer has looked."),
        US,
    ),
    "DECLINED": Status(
        _("Not accepted"),
        _("Not accepted"),
        "red",
        _("An officer has looked, and the line does not count."),
        NOBODY,
    ),
}

# What became of a proof that a holder paid its own share.
PROOF: Final = {
    "WAITING": Status(
        _("Not looked at yet"),
        _("Waits for an officer"),
        "blue",
        _("An officer compares it with the claim."),
        US,
    ),
    "ACCEPTED": Status(
        _("Accepted"), _("Accepted"), "green", _("It counts towards the own share."), NOBODY
    ),
    "REFUSED": Status(
        _("Not accepted"),
        _("Not accepted"),
        "red",
        _("It does not count. Another proof can be given."),
        _("Waiting for the holder."),
    ),
}

# What the holder of a line's voucher said of the line before it was settled.
SAID: Final = {
    "NOTHING": Status(
        _("Nothing said yet"),
        _("Nothing said yet"),
        "grey",
        _("The holder has neither confirmed the line nor objected to it."),
        _("Waiting for the holder."),
    ),
    "CONFIRMED": Status(
        _("Confirmed"), _("Confirmed"), "green", _("The holder says that it is right."), US
    ),
    "DISPUTED": Status(
        _("Disputed"),
        _("Disputed"),
        "yellow",
        _("The holder objects to it, and all of it is withheld until an officer has looked."),
        US,
    ),
}

BATCH: Final = {
    "OPEN": Status(
        pgettext_lazy("batch", "Open"),
        pgettext_lazy("batch", "Open"),
        "grey",
        _("Payments can be removed and added. Whoever prepares it then locks the list."),
        FINANCE,
    ),
    "LOCKED": Status(
        _("Waiting for second approval"),
        _("Waiting for second approval"),
        "yellow",
        _("The list is locked. Another person approves it, or sends it back."),
        FINANCE,
    ),
    "APPROVED": Status(
        _("Approved"),
        _("Approved, waiting for the next person"),
        "green",
        _(
            "Two people agreed. Another one releases it or, above the amount in its law, "
            "authorises it first."
        ),
        FINANCE,
    ),
    "AUTHORISED": Status(
        _("Authorised"),
        _("Authorised, waiting for release"),
        "green",
        _("Three people agreed. A fourth one releases it."),
        FINANCE,
    ),
    "RELEASED": Status(
        _("Released"),
        _("Released, the file waits to be given to the bank"),
        "blue",
        _("The payment file is written. Download it and give it to the bank."),
        FINANCE,
    ),
    "SENT": Status(
        _("Sent to bank"),
        _("Sent to bank"),
        "blue",
        _("The bank has the file, and has not answered every payment yet."),
        THE_BANK,
    ),
    "CLOSED": Status(
        _("Paid"), _("Paid"), "green", _("The bank has answered every payment."), NOBODY
    ),
    "CANCELLED": Status(
        _("Cancelled"),
        _("Cancelled"),
        "grey",
        _(
            "It was called off before it went to the bank. What it would have paid is due again."
        ),
        NOBODY,
    ),
}

# How far the writing of a batch's file is; the batch itself stays where it was until it is done.
BATCH_JOB: Final = {
    "WAITING": Status(
        _("Waiting to be written"),
        _("Waiting to be written"),
        "yellow",
        _("The file of the batch is written in a moment."),
        US,
    ),
    "RUNNING": Status(
        _("Being written"),
        _("Being written"),
        "blue",
        _("The file of the batch is being written. This page says when it is done."),
        US,
    ),
    "STUCK": Status(
        _("Stuck"),
        _("Stuck"),
        "red",
        _(
            "The writing of the file takes longer than it should. It is begun again by itself; "
            "if it stays so, tell those who run the portal."
        ),
        US,
    ),
    "DONE": Status(_("Written"), _("Written"), "green", _("The file is written."), NOBODY),
    "FAILED": Status(
        _("Not written"),
        _("Not written"),
        "red",
        _(
            "The file could not be written, and nothing moved. Ask for it again once it is fixed."
        ),
        FINANCE,
    ),
}

# What was on its way when a month ended.
ACCRUAL: Final = {
    "METERED": _("Metered and not billed"),
    "BILLED": _("Billed and not settled"),
    "SETTLED": _("Settled and not paid"),
}

# What is looked at before a month is closed, and what follows where it is open.
PERIOD_CHECKS: Final = {
    "over": (_("The month is over"), _("Wait until it is.")),
    "unsettled": (_("Bills not settled"), _("Settle them first.")),
    "withheld": (
        _("Lines withheld"),
        _("They are decided later, and their verdicts are listed as corrections of the month."),
    ),
    "unanswered": (
        _("Payments the bank has not answered"),
        _("Read the bank’s statement first, where it is there."),
    ),
    "clearing": (
        _("Clearing accounts with something in them"),
        _("What was instructed and is not answered counts as not paid."),
    ),
    "unsealed": (_("Acts not sealed yet"), _("They are sealed within a minute.")),
}

RECOVERY: Final = {
    "OPEN": Status(
        _("Waiting for a decision"),
        _("Waiting for a decision"),
        "yellow",
        _("The debtor may reply until the day stated. Another person decides then."),
        FINANCE,
    ),
    "UPHELD": Status(
        _("Owed"),
        _("Owed"),
        "red",
        _("It is set off against the next payment, or paid back by the day stated."),
        US,
    ),
    "DROPPED": Status(_("Dropped"), _("Dropped"), "grey", _("Nothing is owed of it."), US),
    "CLOSED": Status(
        _("Settled in full"),
        _("Nothing left"),
        "green",
        _("What was owed was got back or written off."),
        US,
    ),
}

COLLECTION: Final = {
    "OFFSET": _("Set off against a payment"),
    "REPAYMENT": _("Paid back"),
    "WRITE_OFF": _("Written off"),
}

PAYMENT: Final = {
    "CANCELLED": Status(
        _("Cancelled"),
        _("Cancelled"),
        "grey",
        _("Its batch was called off. The amount goes into a later batch."),
        US,
    ),
    "REMOVED": Status(
        _("Removed"),
        _("Removed from the batch"),
        "grey",
        _("It was taken out of its batch. The amount is due, and goes into a later batch."),
        US,
    ),
    "PREPARED": Status(
        _("Prepared"),
        _("In a batch"),
        "grey",
        _("It stands in a batch that is not at the bank yet."),
        US,
    ),
    "SENT": Status(
        _("Sent to bank"),
        _("Sent to bank"),
        "blue",
        _("It was ordered. The bank has not answered yet."),
        THE_BANK,
    ),
    "PAID": Status(_("Paid"), _("Paid"), "green", _("The bank has confirmed it."), NOBODY),
    "RETURNED": Status(
        pgettext_lazy("payment", "Returned"),
        pgettext_lazy("payment", "Returned"),
        "red",
        _("The bank sent it back. It is owed again; check the bank detail."),
        THE_PAYEE,
    ),
    "PART": Status(
        _("Paid in part"),
        _("Paid in part"),
        "yellow",
        _("The bank paid less than was ordered. The rest is owed again."),
        US,
    ),
}

# fmt: off
SKIPPED: Final[dict[str, Any]] = {
    "step": _("steps of a job that is counted as a whole"),
    "not_ended": _("jobs that have not ended"),
    "pending": _("jobs that have not started"),
    "never_started": _("jobs that never started"),
    "no_gpu": _("jobs without a GPU"),
    "not_usage": _("purchases, taxes and credits"),
    "other_event": _("events that do not end a job"),
    "comment": _("comments"),
    "idle": _("nobody's use"),
    "summary": _("sums over many jobs"),
    "storage": _("storage records"),
}
# fmt: on


def tables() -> list[StatusTable]:
    """Return every status that a provider, a holder or finance may meet here."""
    return [
        table(_("Bills and claims"), BILL),
        table(_("Lines of a bill"), LINE),
        table(_("What a holder says of a line"), SAID),
        table(_("Proofs of own shares"), PROOF),
        table(_("Payments"), PAYMENT),
        table(_("Payment batches"), BATCH),
        table(_("Recoveries"), RECOVERY),
        table(_("Writing of a batch’s file"), BATCH_JOB),
        table(_("Entries of a bank statement"), BANK_LINE),
        table(_("Entries of the bank that a person looks at"), ODDITY),
        table(_("Where such an entry stands"), ENTRY),
    ]
