"""How the statuses of providers, offers, keys and addresses for events are told."""

from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from common.statuses import NOBODY, US, YOU, Status, StatusTable, table
from common.statuses import PROVIDER as PROVIDER_ACTS

PROVIDER: Final = {
    "ACCREDITED": Status(
        _("Accredited"),
        _("Accredited"),
        "green",
        _("This provider may take vouchers and be paid."),
        NOBODY,
    ),
    "SUSPENDED": Status(
        _("Suspended"),
        _("Suspended"),
        "red",
        _("An authority stopped some of what this provider may do for a time."),
        US,
    ),
    "ENDED": Status(
        _("Ended"),
        _("Accreditation ended"),
        "grey",
        _("No accreditation is in force today. Open orders go on."),
        PROVIDER_ACTS,
    ),
    "NOT_YET": Status(
        _("Not accredited yet"),
        _("Not accredited yet"),
        "grey",
        _("This provider may not take orders before an authority has accredited it."),
        PROVIDER_ACTS,
    ),
}

ACCREDITATION: Final = {
    "IN_FORCE": Status(
        _("In force"),
        _("In force"),
        "green",
        _("New orders may be placed for this service item."),
        NOBODY,
    ),
    "BEGINS": Status(
        _("Begins later"),
        _("Begins later"),
        "blue",
        _("Its first day has not come yet."),
        NOBODY,
    ),
    "ENDED": Status(_("Ended"), _("Ended"), "grey", _("Its last day is over."), PROVIDER_ACTS),
    "SUSPENDED": Status(
        _("Suspended"),
        _("Suspended"),
        "red",
        _("The provider is suspended and takes no new orders."),
        US,
    ),
}

ACCREDITATION_APPLICATION: Final = {
    "SENT": Status(_("Sent"), _("To decide"), "blue", _("The authority looks at it."), US),
    "GRANTED": Status(
        _("Granted"), _("Granted"), "green", _("The provider is accredited by it."), NOBODY
    ),
    "REFUSED": Status(
        _("Refused"),
        _("Refused"),
        "red",
        _("The reasons stand beside it. You may apply again."),
        PROVIDER_ACTS,
    ),
}

AGREEMENT: Final = {
    "ACCEPTED": Status(
        pgettext_lazy("agreement", "Accepted"),
        pgettext_lazy("agreement", "Accepted"),
        "green",
        _("The provider has accepted exactly this text."),
        NOBODY,
    ),
    "TO_ACCEPT": Status(
        _("To accept"),
        _("To accept"),
        "yellow",
        _("From its day on, new orders need that the provider has accepted it."),
        PROVIDER_ACTS,
    ),
    "NEWEST": Status(
        _("Newest"), _("Newest"), "blue", _("Nothing has followed it yet."), NOBODY
    ),
    "FOLLOWED": Status(
        _("Followed"), _("Followed"), "grey", _("A newer version was published."), NOBODY
    ),
}

OFFER: Final = {
    "PUBLISHED": Status(_("Published"), _("Published"), "green", _("Buyers see it."), NOBODY),
    "WITHDRAWN": Status(
        _("Withdrawn"),
        _("Withdrawn"),
        "grey",
        _("Buyers no longer see it. Orders placed before go on."),
        NOBODY,
    ),
}

API_KEY: Final = {
    "LIVE": Status(_("Live"), _("Live"), "green", _("Programs may use it."), NOBODY),
    "ENDING": Status(
        _("Rolled"),
        _("Rolled"),
        "yellow",
        _("It was replaced, and works on until the instant that was chosen."),
        NOBODY,
    ),
    "ENDED": Status(
        _("Ended"), _("Ended"), "grey", _("It was replaced, and its time is over."), NOBODY
    ),
    "REVOKED": Status(
        _("Revoked"), _("Revoked"), "grey", _("It opens nothing any more."), NOBODY
    ),
}

KEY_KIND: Final = {"LIVE": _("Everything"), "READ": _("Read-only"), "TEST": _("Test")}

WEBHOOK: Final = {
    "ACTIVE": Status(_("Active"), _("Active"), "green", _("Events are sent to it."), NOBODY),
    "DISABLED": Status(
        _("Disabled"),
        _("Disabled"),
        "red",
        _("It took nothing for days. Enable it once it works again."),
        YOU,
    ),
    "REMOVED": Status(
        _("Removed"), _("Removed"), "grey", _("Nothing is sent to it any more."), NOBODY
    ),
}


def tables() -> list[StatusTable]:
    """Return every status of a provider that a holder, a provider or an officer may meet."""
    return [
        table(_("Providers"), PROVIDER),
        table(_("Accreditations"), ACCREDITATION),
        table(_("Applications for accreditation"), ACCREDITATION_APPLICATION),
        table(_("Agreements"), AGREEMENT),
    ]


# What becomes of a row of a price list that is looked over.
PRICE_LIST_ROW = {
    "NEW_OFFER": _("New offer"),
    "NEW_PRICE": _("New price"),
    "UNCHANGED": _("Unchanged"),
}
