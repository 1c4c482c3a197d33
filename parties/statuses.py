"""How the statuses of an organisation's bank detail are told."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from common.statuses import FINANCE, NOBODY, Status

BANK_DETAIL: Final = {
    "PROPOSED": Status(
        _("Waiting for approval"),
        _("Waiting for second approval"),
        "yellow",
        _("Somebody proposed it. Nothing is paid here until finance has approved it."),
        FINANCE,
    ),
    "APPROVED": Status(
        _("In force"),
        _("Approved"),
        "green",
        _("Payments go here."),
        NOBODY,
    ),
    "COOLING_OFF": Status(
        _("Cooling off"),
        _("Approved, cooling off"),
        "blue",
        _("It is approved. The former one is paid until its cooling-off is over."),
        NOBODY,
    ),
    "LEAVING": Status(
        _("In force for now"),
        _("In force for now"),
        "green",
        _("Payments go here until the cooling-off of the new one is over."),
        NOBODY,
    ),
    "STOPPED": Status(
        _("Stopped"),
        _("Stopped"),
        "grey",
        _("It was stopped before anything was paid here."),
        NOBODY,
    ),
    "REPLACED": Status(
        _("Replaced"),
        _("Replaced"),
        "grey",
        _("A newer bank detail took its place."),
        NOBODY,
    ),
}
