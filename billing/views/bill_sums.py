"""What a bill comes to, in figures and as a table that adds up."""

from typing import Any

from django.utils.translation import gettext as _

from billing.models import Bill
from billing.queries import BillTotals
from billing.views.shown import figure, table
from common.formatting import money


def figures(totals: BillTotals, found: Bill) -> list[dict[str, Any]]:
    """Return the sums that head the page of a bill; only what is billed before settlement."""
    is_waiting = found.status == Bill.Status.SENT
    withheld = totals.open + totals.declined

    def shown(amount: int) -> str:
        return money(None if is_waiting else amount, found.unit)

    return [
        {"value": money(totals.billed, found.unit), "label": _("Billed")},
        {"value": shown(totals.accepted), "label": _("Accepted")},
        {
            "value": shown(withheld),
            "label": _("Withheld or not accepted"),
            "problem": bool(withheld) and not is_waiting,
        },
        {"value": shown(totals.covered), "label": _("Covered by the voucher")},
        {"value": shown(totals.co_payment), "label": _("Co-payment of the holder")},
    ]


def adding_up(totals: BillTotals, found: Bill) -> Any:
    """Return where each part of a bill stands, as a table that ends with what was billed."""
    parts = [
        (_("Covered by the voucher"), totals.covered),
        (_("Co-payment of the holder"), totals.co_payment),
        (_("Beyond what was set aside, owed by the holder"), totals.beyond_hold),
        (_("Not accepted"), totals.declined),
        (_("Disputed or not confirmed by the holder"), totals.of_holder),
        (_("Withheld for another reason"), totals.of_rules),
        (_("Not settled yet"), totals.waiting),
    ]
    rows = [[label, money(amount, found.unit)] for label, amount in parts if amount]
    columns = [_("Part"), figure(_("Amount"))]
    total = [_("Billed"), money(totals.billed, found.unit)]
    return table(_("How the bill adds up"), columns, [*rows, total])
