"""What an organisation had of a programme before, as its ceilings may count it."""

from collections.abc import Collection, Iterator
from datetime import date

from common.days import day_of
from ledger import queries as ledger
from parties.models import Organisation
from policy.claims import Measure, Past
from policy.rules import Programme as Policy
from vouchers.models import Application, Decision, Programme, Voucher

# Where value of a voucher goes when it was not used.
NOT_USE = ("available:", "expired:", "voucher:")


def past_of(
    organisation: Organisation,
    programme: Programme,
    rules: Policy,
    undertaking: Collection[int] = (),
) -> tuple[Past, ...]:
    """Return what was claimed, issued and redeemed, on its day by the programme's time zone.

    What the other organisations of the undertaking had, by their primary keys, comes with it
    where the law counts it; it is not the organisation's own.

    Claimed is what was awarded and not undone; issued the same, on the day of its voucher or,
    while that waits, of its decision; redeemed what left a voucher for use. Empty where the
    law asks for none of it. In the programme's unit.
    """
    if not asks_of_past(rules):
        return ()
    found: list[Past] = []
    others = undertaking if rules.counts_undertaking else ()
    decisions = Decision.objects.filter(
        application__organisation__in={organisation.pk, *others},
        application__round__programme=programme,
        outcome=Decision.Outcome.PASS,
        undone_by__isnull=True,
    ).select_related("application__round", "voucher")
    for decision in decisions.order_by("pk"):
        decided_on = day_of(decision.decided_at, programme.zone)
        voucher = getattr(decision, "voucher", None)
        if voucher is None and decision.application.status != Application.Status.APPROVED:
            continue
        issued_on = voucher.valid_from_on if voucher else decided_on
        is_own = decision.application.organisation_id == organisation.pk
        found += (
            _past(decision, "CLAIMED", decided_on, is_own),
            _past(decision, "ISSUED", issued_on, is_own),
        )
        if voucher:
            found += _redeemed(voucher, programme, decision, is_own)
    return tuple(found)


def asks_of_past(rules: Policy) -> bool:
    """Say whether a law counts anything of the past beside what is committed."""
    measures = {measure for cap in rules.caps for measure in cap.measured}
    return bool(
        measures - {"COMMITTED"} or rules.base.once_per_contract or rules.state_aid is not None
    )


def _past(decision: Decision, measure: Measure, on: date, is_own: bool) -> Past:
    return Past(
        measure=measure,
        on=on,
        amount=decision.awarded,
        is_own=is_own,
        round=decision.application.round.code,
    )


def _redeemed(
    voucher: Voucher, programme: Programme, decision: Decision, is_own: bool
) -> Iterator[Past]:
    account = programme.account("voucher", voucher.code)
    for entry in ledger.statement(account):
        if entry.amount < 0 and not entry.other.startswith(NOT_USE):
            yield Past(
                measure="REDEEMED",
                on=day_of(entry.at, programme.zone),
                amount=-entry.amount,
                is_own=is_own,
                round=decision.application.round.code,
            )
