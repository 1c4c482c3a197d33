"""How the statuses of providers, offers, keys and addresses for events are told."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from common.statuses import NOBODY, US, YOU, Status

PROVIDER: Final = {
    "ACCREDITED": Status(
        _("Accredited"),
        _("Accredited"),
        "green",
        _("This provider may take vouchers and be paid."),
        NOBODY,
    ),
    "SUSPENDED": Status(
        _("On hold"),
        _("Suspended"),
        "red",
        _("This provider may not take new orders for a time. Open orders go on."),
        US,
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
