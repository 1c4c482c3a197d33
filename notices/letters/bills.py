"""Letters about a bill or a claim."""

from collections.abc import Callable

from django.db.models import Count, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Bill, Settlement, Verdict
from billing.queries import (
    Said,
    is_own_claim,
    open_to,
    said_by_holders,
    withholds_silence,
)
from common.formatting import instant_text, money
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from notices.letters.own_shares import own_share_wanted
from parties.roles import Role

_NOT_WHOLE = (Verdict.Outcome.REDUCED, Verdict.Outcome.WITHHELD)


def bill_received(deed: Deed) -> Letters:
    """Tell whoever is to be paid that the bill or claim is here; nothing is checked yet."""
    found = Bill.objects.filter(act_id=deed.id).select_related(
        "programme", "payee", "provider__organisation"
    )
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
        yield from _to_confirm(bill)
        yield from own_share_wanted(bill)


def _to_confirm(bill: Bill) -> Letters:
    """Ask each holder whose lines are on a bill to confirm them or to object, in time."""
    if is_own_claim(bill):
        return
    for said in said_by_holders(bill):
        yield lines_unconfirmed(bill, said, "")


def lines_unconfirmed(bill: Bill, said: Said, kind: str) -> Letter:
    """Ask a holder to say of its lines on a bill whether they are right; `kind` of a reminder."""

    def words() -> Words:
        values = {
            "bill": bill.number,
            "provider": bill.provider.organisation.name_here,
            "lines": ngettext("%(count)s line", "%(count)s lines", said.unsaid)
            % {"count": said.unsaid},
            "total": money(said.unsaid_amount, bill.unit),
            "until": instant_text(open_to(bill), bill.programme.zone),
        }
        silence = (
            _("A line that you say nothing of is withheld then, until an officer has looked.")
            if withholds_silence(bill)
            else _("A line that you say nothing of counts as accepted then.")
        )
        return Words(
            _("Action needed: confirm the lines of bill %(bill)s") % values,
            paragraphs(
                _("%(provider)s billed you for %(lines)s, %(total)s in all.") % values,
                _("Confirm them, or object to a line, until %(until)s.") % values,
                silence,
            ),
        )

    path = reverse("bill_confirm", args=[bill.number])
    return Letter(people_of(said.holder, Role.APPLICANT), path, words, kind)


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
