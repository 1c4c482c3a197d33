"""Publish what past vouchers say about an organisation's next award."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import Organisation
from vouchers.models import Standing


@transaction.atomic
def set_standing(
    *,
    organisation: Organisation,
    z: Decimal,
    n: Decimal,
    score: Decimal,
    working: Mapping[str, Any],
    actor: str,
    at: datetime,
    key: str,
) -> Standing:
    """Publish an organisation's standing; it counts for every decision from now on.

    `z` is the deviation from the peer group in its standard deviations, `n` the evidence
    behind it in vouchers, `score` the performance from 0 to 1. Each policy says how far these
    reach (`policy.standing`). Earlier standings stay as they were published.
    """
    content = {"z": z, "n": n, "score": score}
    act = ledger.begin(
        kind=ActKind.SET_STANDING,
        key=key,
        actor=actor,
        about=organisation.address,
        at=at,
        payload={
            **{name: f"{number:f}" for name, number in content.items()},
            "working": working,
        },
        details={"z": f"{z:f}", "n": f"{n:f}", "score": f"{score:f}"},
    )
    if act.is_replay:
        return Standing.objects.select_related("organisation").get(act_id=act.id)
    return Standing.objects.create(
        organisation=organisation,
        working=dict(working),
        published_at=at,
        act_id=act.id,
        **content,
    )
