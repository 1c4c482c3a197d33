"""The kinds of keys to the API, and what each operation asks of one."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeyKind(models.TextChoices):
    """What a key is for; it can be read off its beginning."""

    LIVE = "LIVE", _("Live: everything")
    READ = "READ", _("Read-only: it can change nothing")
    TEST = "TEST", _("Test: for the sandbox alone")


BEGINNING_OF = {
    KeyKind.LIVE: "tess_live_",
    KeyKind.READ: "tess_read_",
    KeyKind.TEST: "tess_test_",
}


class Scope(StrEnum):
    """What an operation of the API asks of a key or token (RFC 6749, section 3.3)."""

    OFFERS_READ = "offers:read"
    VOUCHERS_READ = "vouchers:read"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    USAGE_READ = "usage:read"
    USAGE_WRITE = "usage:write"
    BILLS_READ = "bills:read"
    BILLS_WRITE = "bills:write"

    @property
    def is_reading(self) -> bool:
        """Whether it lets nothing be changed."""
        return self.value.endswith(":read")


def scopes_of(kind: str) -> frozenset[Scope]:
    """Return what a key of a kind may do."""
    return frozenset(scope for scope in Scope if scope.is_reading or kind != KeyKind.READ)


# What providers' programs can be told, in the order of a voucher's life.
EVENTS = {
    "provider.suspended": _("You were suspended"),
    "provider.suspension_lifted": _("Your suspension ended by decision"),
    "order.placed": _("An order was placed; where its state is PLACED, it waits for you"),
    "order.accepted": _("An order was accepted for you"),
    "order.declined": _("An order was declined for you"),
    "order.changed": _("An order was given more or fewer hours"),
    "order.users_changed": _("Who may use an order has changed"),
    "order.asked_about": _("A holder asks about a line of use"),
    "order.cancelled": _("An order was cancelled before use, and its hold freed"),
    "order.released": _("What was left of an order's hold was freed"),
    "order.lapsed": _("The time of an order's hold has passed"),
    "usage.recorded": _("Usage was recorded"),
    "bill.received": _("A bill was received"),
    "bill.settled": _("A bill was settled"),
    "bill.line_decided": _("A line of a bill was decided"),
    "payment.confirmed": _("The bank confirmed a payment to you"),
    "payment.returned": _("A payment to you came back"),
}
