"""Caps, and how many H100 classes count for, as officers set and record them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from parties.models import User
from providers import actions as providers
from providers.models import Equivalent, PriceCap
from tests.cast.basics import NOON, TODAY, a_key
from tests.cast.people import Authority


def a_cap(
    authority: Authority,
    rate: str | None = "20.00",
    *,
    programme_code: str = "",
    resource_class: str = "H100",
    from_at: datetime = NOON,
    actor: User | None = None,
    key: str | None = None,
    **more: Any,
) -> PriceCap:
    """Return a cap in CNY on an hour of a class, from now on; without a rate it is lifted."""
    content: dict[str, Any] = {
        "resource": "GPU",
        "currency": "CNY",
        "reason": "Notice 7 of 2025, article 3",
        "at": NOON,
        **more,
    }
    return providers.set_price_cap(
        authority=authority.organisation,
        programme_code=programme_code,
        resource_class=resource_class,
        rate=None if rate is None else Decimal(rate),
        from_at=from_at,
        actor=actor or authority.officer,
        key=key or a_key("cap"),
        **content,
    )


def an_equivalent(
    authority: Authority,
    resource_class: str = "H100",
    factor: str = "1",
    teraflops: str = "989.4",
    *,
    precision: str = "BF16",
    from_on: date = TODAY,
    actor: User | None = None,
    key: str | None = None,
    source: str = "NVIDIA H100 Tensor Core GPU datasheet, table 1",
) -> Equivalent:
    """Return how many H100 a class counts for in a precision, from a day on."""
    return providers.record_equivalent(
        resource_class=resource_class,
        precision=precision,
        teraflops=Decimal(teraflops),
        factor=Decimal(factor),
        source=source,
        sourced_on=date(2024, 1, 31),
        from_on=from_on,
        actor=actor or authority.officer,
        at=NOON,
        key=key or a_key("equivalent"),
    )
