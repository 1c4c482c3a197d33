"""Letters about a bill or a claim."""

from collections.abc import Callable

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Bill, Settlement, Verdict
from common.formatting import money
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of

_NOT_WHOLE = (Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD)


def bill_received(deed: Deed) -> Letters:
    """Tell whoever is to be paid that the bill or claim is here; nothing is checked yet."""
    found = Bill.objects.filter(act_id=deed.id).select_related("programme", "payee")
    for bill in found.annotate(lines_count=Count("lines")):

        def words(bill: Bill = bill, count: int = bill.lines_count) -> Words:
            values = {
                "bill": bill.number,
                "invoice": bill.invoice_number,
                "programme": bill.programme.title,
                "total": money(bill.total, bill.unit),
                "lines": ngettext("%(count)s line", "%(count)s lines", count)
                % {"count": count},
            }
            return Words(
                _("We have your bill %(bill)s") % values,
                paragraphs(
                    _("%(lines)s, %(total)s in all, to %(programme)s; invoice %(invoice)s.")
                    % values,
                    _("It is being checked. We will write again when it is settled."),
                ),
            )

        yield _to_payee(bill, words)


def bill_settled(deed: Deed) -> Letters:
    """Tell whoever is to be paid what was accepted, and how many lines were not taken whole."""
    for bill in Bill.objects.filter(number=deed.code).select_related("payee"):
        verdicts = Verdict.objects.filter(act_id=deed.id, line__bill=bill)
        lines = verdicts.aggregate(all=Count("pk"), withheld=Sum("withheld"))
        doubtful = verdicts.filter(outcome__in=_NOT_WHOLE).count()
        covered = Settlement.objects.filter(act_id=deed.id).aggregate(total=Sum("covered"))
        values = {
            "bill": bill.number,
            "doubtful": doubtful,
            "count": lines["all"],
            "covered": money(int(covered["total"] or 0), bill.unit),
            "withheld": money(int(lines["withheld"] or 0), bill.unit),
        }

        def words(values: dict[str, object] = values) -> Words:
            if not values["doubtful"]:
                return Words(
                    _("Bill %(bill)s is settled") % values,
                    _("Every line was accepted. %(covered)s is now due to you.") % values,
                )
            return Words(
                _("Action needed: bill %(bill)s, %(doubtful)s of %(count)s lines withheld")
                % values,
                paragraphs(
                    _("%(covered)s is now due to you; %(withheld)s is withheld.") % values,
                    _("The bill's page says of each line why, and what puts it right."),
                ),
            )

        yield _to_payee(bill, words)


def _to_payee(bill: Bill, words: Callable[[], Words]) -> Letter:
    return Letter(people_of(bill.payee), reverse("bill", args=[bill.number]), words)
