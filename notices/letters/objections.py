"""Letters about lines of a bill that their holders dispute."""

from collections.abc import Callable

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import (
    Bill,
    BillLine,
    Objection,
    ObjectionReply,
    ObjectionWithdrawal,
    Verdict,
)
from billing.queries import Undecided, law_when_sent
from billing.reasons import sentence
from common.formatting import instant_text, money
from notices.letters.letter import (
    Deed,
    Letter,
    Letters,
    Words,
    finance_of,
    paragraphs,
    people_of,
)
from parties.roles import Role
from policy.objections import reply_until


def lines_disputed(deed: Deed) -> Letters:
    """Tell the provider which lines of its bill a holder disputes, and why."""
    found = list(
        Objection.objects.filter(act_id=deed.id)
        .select_related("line__bill__provider__organisation", "line__bill__programme")
        .order_by("pk")
    )
    if not found:
        return
    first = found[0]
    bill = first.line.bill

    def words() -> Words:
        count = len(found)
        values = {
            "bill": bill.number,
            "lines": ngettext("%(count)s line", "%(count)s lines", count) % {"count": count},
            "amount": money(sum(one.line.amount for one in found), bill.unit),
            "row": first.line.row,
            "text": first.text,
        }
        return Words(
            _("Action needed: %(lines)s of bill %(bill)s disputed") % values,
            paragraphs(
                _("%(amount)s is withheld until an officer has looked.") % values,
                _("Line %(row)s: “%(text)s”") % values,
                _("Answer on the line's page, with evidence if you have some."),
                *_days(bill, first),
            ),
        )

    yield Letter(people_of(bill.provider.organisation, Role.PROVIDER), _path(first.line), words)


def _days(bill: Bill, objection: Objection) -> list[str]:
    """Return until when the provider replies, and what its silence means, where a law says so."""
    rule = law_when_sent(bill).settlement
    until = reply_until(rule, objection.raised_at)
    if until is None:
        return []
    words = _("You can reply before it is decided until %(until)s.")
    if rule.reply_silence == "DECLINES":
        words = _("Without a reply until %(until)s it is not accepted.")
    return [words % {"until": instant_text(until, bill.programme.zone)}]


def objection_unreplied(found: Undecided, kind: str) -> Letter:
    """Remind the provider of an objection that it has not replied to; `kind` of the reminder."""
    line = found.objection.line

    def words() -> Words:
        values = {"bill": line.bill.number, "row": line.row, "text": found.objection.text}
        return Words(
            _("Action needed: reply to the objection to line %(row)s of bill %(bill)s")
            % values,
            paragraphs(_("“%(text)s”") % values, *_days(line.bill, found.objection)),
        )

    people = people_of(line.bill.provider.organisation, Role.PROVIDER)
    return Letter(people, _path(line), words, kind)


def disputed_line_decided(deed: Deed) -> Letters:
    """Tell the holder and the provider what was decided on a disputed line, and why."""
    verdicts = Verdict.objects.filter(
        act_id=deed.id, line__objections__isnull=False, line__objections__withdrawal=None
    )
    for verdict in verdicts.select_related(
        "line__bill__provider__organisation", "line__voucher__organisation"
    ):

        def words(verdict: Verdict = verdict) -> Words:
            unit = verdict.line.bill.unit
            values = {
                "bill": verdict.line.bill.number,
                "row": verdict.line.row,
                "accepted": money(verdict.accepted, unit),
                "amount": money(verdict.line.amount, unit),
                "covered": money(verdict.covered, unit),
            }
            return Words(
                _("Line %(row)s of bill %(bill)s: the objection is decided") % values,
                paragraphs(
                    sentence(verdict.reason, verdict.reason_values),
                    _("Of %(amount)s, %(accepted)s is accepted; the voucher pays %(covered)s.")
                    % values,
                ),
            )

        yield from _to_others(verdict.line, ObjectionReply.Side.AUTHORITY, words)


def objection_answered(deed: Deed) -> Letters:
    """Tell the other sides what was written about a disputed line."""
    replies = ObjectionReply.objects.filter(act_id=deed.id)
    for reply in replies.select_related(
        "objection__line__bill__provider__organisation",
        "objection__line__bill__programme__authority",
        "objection__line__voucher__organisation",
    ):

        def words(reply: ObjectionReply = reply) -> Words:
            line = reply.objection.line
            values = {"bill": line.bill.number, "row": line.row, "text": reply.text}
            return Words(
                _("Line %(row)s of bill %(bill)s: a reply to the objection") % values,
                _("“%(text)s”") % values,
            )

        yield from _to_others(reply.objection.line, reply.side, words)


def objection_withdrawn(deed: Deed) -> Letters:
    """Tell the provider that a line is disputed no more."""
    found = ObjectionWithdrawal.objects.filter(act_id=deed.id)
    for one in found.select_related("objection__line__bill__provider__organisation"):
        line = one.objection.line

        def words(line: BillLine = line) -> Words:
            values = {"bill": line.bill.number, "row": line.row}
            return Words(
                _("Line %(row)s of bill %(bill)s is disputed no more") % values,
                _("Its holder has withdrawn the objection."),
            )

        provider = line.bill.provider.organisation
        yield Letter(people_of(provider, Role.PROVIDER), _path(line), words)


def _to_others(line: BillLine, side: str, words: Callable[[], Words]) -> Letters:
    bill, sides = line.bill, ObjectionReply.Side
    if side != sides.PROVIDER:
        people = people_of(bill.provider.organisation, Role.PROVIDER)
        yield Letter(people, _path(line), words)
    if side != sides.HOLDER and line.voucher is not None:
        people = people_of(line.voucher.organisation, Role.APPLICANT)
        yield Letter(people, _path(line), words)
    if side != sides.AUTHORITY:
        yield Letter(finance_of(bill.programme), _path(line), words)


def _path(line: BillLine) -> str:
    return reverse("bill_line", args=[line.bill.number, line.row])
