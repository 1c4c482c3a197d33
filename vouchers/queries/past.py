"""What an organisation had of a programme before, as its ceilings may count it."""

from collections.abc import Iterator

from common.days import day_of
from ledger import queries as ledger
from parties.models import Organisation
from policy.claims import Past
from policy.rules import Programme as Policy
from vouchers.models import Application, Decision, Programme, Voucher
from vouchers.queries.vouchers import voucher_account

# Where value of a voucher goes when it was not used.
NOT_USE = ("available:", "expired:")


def past_of(
    organisation: Organisation, programme: Programme, rules: Policy
) -> tuple[Past, ...]:
    """Return what was claimed, issued and redeemed, on its day by the programme's time zone.

    Claimed is what was awarded and not undone, issued a voucher's amount, redeemed what left
    it for use. Empty where no ceiling of the law asks for it. In the programme's unit.
    """
    measures = {measure for cap in rules.caps for measure in cap.measured}
    if rules.base.once_per_contract:
        measures.add("CLAIMED")
    found: list[Past] = []
    if "CLAIMED" in measures:
        found += _claimed(organisation, programme)
    if measures & {"ISSUED", "REDEEMED"}:
        vouchers = Voucher.objects.filter(
            organisation=organisation, programme=programme
        ).select_related("programme", "decision__application__round")
        for voucher in vouchers.order_by("pk"):
            found.append(_issued(voucher))
            found += _redeemed(voucher)
    return tuple(one for one in found if one.measure in measures)


def _claimed(organisation: Organisation, programme: Programme) -> Iterator[Past]:
    decisions = Decision.objects.filter(
        application__organisation=organisation,
        application__round__programme=programme,
        application__status=Application.Status.APPROVED,
        outcome=Decision.Outcome.PASS,
        undone_by__isnull=True,
    ).select_related("application__round")
    for decision in decisions.order_by("pk"):
        yield Past(
            measure="CLAIMED",
            on=day_of(decision.decided_at, programme.zone),
            amount=decision.awarded,
            round=decision.application.round.code,
        )


def _issued(voucher: Voucher) -> Past:
    return Past(
        measure="ISSUED",
        on=voucher.valid_from_on,
        amount=voucher.amount,
        round=voucher.decision.application.round.code,
    )


def _redeemed(voucher: Voucher) -> Iterator[Past]:
    for entry in ledger.statement(voucher_account(voucher)):
        if entry.amount < 0 and not entry.other.startswith(NOT_USE):
            yield Past(
                measure="REDEEMED",
                on=day_of(entry.at, voucher.programme.zone),
                amount=-entry.amount,
                round=voucher.decision.application.round.code,
            )
