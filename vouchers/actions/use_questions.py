"""Ask a provider about a line of use, as the order's holder; answer, as the provider.

Neither moves value: who does not agree objects to the line once it is billed.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of, require_role
from parties.roles import Role
from vouchers.actions.orders import REASON_LENGTH_MAX, locked_order, require_provider
from vouchers.models import Order, UseAnswer, UseQuestion
from vouchers.queries import has_used_line, lines_archived


class WordsMissing(Refused):
    """A question or an answer without words."""

    code = "words_missing"
    sentence = _("Write what you want to say, in at most %(most)s characters.")


class UseUnknown(Refused):
    """No meter recorded such a line under the order."""

    code = "use_unknown"
    sentence = _(
        "Nothing was metered as “%(line)s” under the order %(order)s. Choose one of its lines."
    )


class UseArchived(Refused):
    """No meter recorded such a line under the order, but for what lies in the archive."""

    code = "use_archived"
    sentence = _(
        "“%(line)s” is not among the lines of the order %(order)s that can be asked about. "
        "%(count)s lines of it are of decided months and lie in the archive: the bill says what "
        "was decided on them."
    )


class QuestionOpen(Refused):
    """The line was asked about, and the provider has not answered."""

    code = "question_open"
    sentence = _("You asked about “%(line)s” already. Wait for the answer of %(provider)s.")


class QuestionAnswered(Refused):
    """The question was answered before."""

    code = "question_answered"
    sentence = _("The question about “%(line)s” was answered already; nothing was changed.")


@transaction.atomic
def ask_about_use(
    *, order: Order, source: str, name: str, text: str, actor: User, at: datetime, key: str
) -> UseQuestion:
    """Ask the provider about one line of use under an order, by its source and name.

    :raises NotAllowed: if the person does not act for the holder.
    :raises WordsMissing: if there are no words, or too many.
    :raises UseUnknown: if no such line was metered under the order.
    :raises UseArchived: if there is none but what lies in the archive.
    :raises QuestionOpen: if an earlier question about it waits for its answer.
    """
    require_role(actor, Role.APPLICANT, organisation=order.voucher.organisation)
    text = _checked(text)
    act = ledger.begin(
        kind=ActKind.ASK_ABOUT_USE,
        key=key,
        actor=actor.address,
        about=order.voucher.address,
        at=at,
        payload={"order": order.code, "source": source, "name": name, "text": text},
        reason=text,
        details={"order": order.code},
    )
    if act.is_replay:
        return UseQuestion.objects.select_related("order").get(act_id=act.id)
    row = locked_order(order)
    if not has_used_line(row, source, name):
        asked, archived = f"{source}/{name}"[:120], lines_archived(row)
        if archived:
            raise UseArchived(line=asked, order=row.code, count=archived)
        raise UseUnknown(line=asked, order=row.code)
    waiting = UseQuestion.objects.filter(
        order=row, source=source, key=name, answer__isnull=True
    )
    if waiting.exists():
        provider = row.offer.provider.organisation.name_here
        raise QuestionOpen(line=f"{source}/{name}", provider=provider)
    return UseQuestion.objects.create(
        order=row,
        source=source,
        key=name,
        text=text,
        asked_by=actor,
        asked_at=at,
        act_id=act.id,
    )


@transaction.atomic
def answer_about_use(
    *, question: UseQuestion, text: str, actor: User | str, at: datetime, key: str
) -> UseAnswer:
    """Answer a holder's question about a line of use, as the order's provider.

    :raises NotAllowed: if the actor does not speak for the provider.
    :raises WordsMissing: if there are no words, or too many.
    :raises QuestionAnswered: if it was answered before.
    """
    order = question.order
    require_provider(order, actor)
    text = _checked(text)
    act = ledger.begin(
        kind=ActKind.ANSWER_ABOUT_USE,
        key=key,
        actor=address_of(actor),
        about=order.voucher.address,
        at=at,
        payload={"question": question.pk, "text": text},
        reason=text,
        details={"order": order.code},
    )
    if act.is_replay:
        return UseAnswer.objects.select_related("question").get(act_id=act.id)
    locked_order(order)
    if UseAnswer.objects.filter(question=question).exists():
        raise QuestionAnswered(line=question.line)
    return UseAnswer.objects.create(
        question=question,
        text=text,
        answered_by=address_of(actor),
        answered_at=at,
        act_id=act.id,
    )


def _checked(text: str) -> str:
    words = text.strip()
    if not 0 < len(words) <= REASON_LENGTH_MAX:
        raise WordsMissing(most=REASON_LENGTH_MAX)
    return words
