"""How the statuses of applications, tasks, vouchers and orders are told."""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.statuses import NOBODY, PROVIDER, US, YOU, Status, StatusTable, table

APPLICATION: Final = {
    "DRAFT": Status(
        _("Draft"),
        _("Draft"),
        "grey",
        _("Not sent yet. Only your organisation sees it."),
        YOU,
    ),
    "SENT": Status(
        _("Sent"),
        _("Waiting for a decision"),
        "blue",
        _("We have it. You need do nothing."),
        US,
    ),
    "REFERRED": Status(
        _("Being checked"),
        _("Referred to an officer"),
        "blue",
        _("An officer looks at a point that no rule can settle."),
        US,
    ),
    "INFO_NEEDED": Status(
        _("We need something from you"),
        _("Waiting for the applicant"),
        "yellow",
        _("An officer asked a question. The clock stands still until it is answered."),
        YOU,
    ),
    "WAITING": Status(
        _("On the waiting list"),
        _("On the waiting list"),
        "blue",
        _("It could be approved, and the budget did not reach so far."),
        US,
    ),
    "APPROVED": Status(
        _("Approved"),
        _("Approved"),
        "green",
        _("An amount was awarded. The voucher follows, or is there already."),
        US,
    ),
    "NOT_APPROVED": Status(
        _("Not approved"),
        _("Not approved"),
        "red",
        _("The reasons stand beside the decision. You may apply again."),
        NOBODY,
    ),
    "WITHDRAWN": Status(
        _("Withdrawn"),
        _("Withdrawn"),
        "grey",
        _("The applicant took it back. A new one may be started."),
        NOBODY,
    ),
}

TASK: Final = {
    "COMPLETED": Status(
        _("Completed"), _("Completed"), "", _("Every answer is there."), NOBODY
    ),
    "IN_PROGRESS": Status(
        _("In progress"), _("In progress"), "teal", _("Some answers are there."), YOU
    ),
    "INCOMPLETE": Status(_("Incomplete"), _("Incomplete"), "blue", _("Not started yet."), YOU),
    "CANNOT_START": Status(
        _("Cannot start yet"),
        _("Cannot start yet"),
        "",
        _("Complete the other tasks first."),
        YOU,
    ),
}

VOUCHER: Final = {
    "ACTIVE": Status(_("Active"), _("Active"), "green", _("It can be used for orders."), YOU),
    "EXPIRES_SOON": Status(
        _("Expires soon"),
        _("Active, expires soon"),
        "yellow",
        _("It can be used for orders, for 30 days or fewer."),
        YOU,
    ),
    "USED_UP": Status(
        _("Used up"),
        _("Active, nothing free"),
        "grey",
        _("Everything is spent or held for orders."),
        NOBODY,
    ),
    "SUSPENDED": Status(
        _("On hold"),
        _("Suspended"),
        "red",
        _("No new orders for a time. Open orders go on."),
        US,
    ),
    "EXPIRED": Status(
        _("Expired"),
        _("Expired"),
        "grey",
        _("Its last day has passed; what was free went back to the programme."),
        NOBODY,
    ),
    "RETURNED": Status(
        _("Returned"),
        _("Returned"),
        "grey",
        _("The holder gave the rest back to the programme."),
        NOBODY,
    ),
    "REVOKED": Status(
        _("Cancelled"),
        _("Revoked"),
        "red",
        _("It was ended by decision; its reason stands below. Open orders go on."),
        NOBODY,
    ),
}

ORDER: Final = {
    "PLACED": Status(
        _("Waiting for the provider"),
        _("Placed, not accepted yet"),
        "yellow",
        _("Part of the voucher is set aside. The provider accepts or declines it."),
        PROVIDER,
    ),
    "PARTLY_USED": Status(
        _("Partly used"),
        _("Open, partly used"),
        "blue",
        _("Part of the time was used; what is left is still set aside."),
        PROVIDER,
    ),
    "DECLINED": Status(
        _("Declined"),
        _("Declined by the provider"),
        "red",
        _("The provider did not take it. What was held went back to the voucher."),
        NOBODY,
    ),
    "CANCELLED": Status(
        pgettext_lazy("order", "Cancelled"),
        _("Cancelled before use"),
        "grey",
        _("It was called off before use. What was held went back to the voucher."),
        NOBODY,
    ),
    "OPEN": Status(
        pgettext_lazy("order", "Open"),
        _("Open, value held"),
        "green",
        _("Part of the voucher is set aside for it."),
        PROVIDER,
    ),
    "CLOSED": Status(_("Closed"), _("Closed"), "grey", _("The last bill was settled."), NOBODY),
    "RELEASED": Status(
        _("Released"),
        _("Released"),
        "grey",
        _("What was still held went back to the voucher."),
        NOBODY,
    ),
    "LAPSED": Status(
        _("Lapsed"),
        _("Lapsed"),
        "grey",
        _("Its time is over. What was not settled by then went back to the voucher."),
        NOBODY,
    ),
}


def tables() -> list[StatusTable]:
    """Return every status that an applicant, a holder or a provider may meet here."""
    return [
        table(_("Applications"), APPLICATION),
        table(_("Tasks of an application"), TASK),
        table(_("Vouchers"), VOUCHER),
        table(_("Orders"), ORDER),
    ]
