"""Attempts at steps that are another person's: refused, and yet written down."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import translation

from billing.actions.batch_steps import ApprovedByPreparer
from billing.models import Batch, Payment, RefusedAttempt
from common.errors import Refused
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import NotAllowed, SamePerson
from vouchers.models import Programme

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

# Refusals that say who asked, and not what was asked for.
OF_THE_PERSON = (NotAllowed, SamePerson, ApprovedByPreparer)


def attempts_kept(
    kind: ActKind,
) -> Callable[[Callable[Given, Answer]], Callable[Given, Answer]]:
    """Have an action's refusals of a person written down, once its transaction is rolled back.

    The row stands in a transaction of its own, so that nothing of the refused step comes with it.
    Wrap it around the transaction: it goes above `transaction.atomic`.
    """

    def keep(action: Callable[Given, Answer]) -> Callable[Given, Answer]:
        @wraps(action)
        def asked(*args: Given.args, **given: Given.kwargs) -> Answer:
            try:
                return action(*args, **given)
            except OF_THE_PERSON as refused:
                programme, about = _thing(given)
                keep_attempt(
                    kind=kind,
                    programme=programme,
                    about=about,
                    actor=given["actor"],  # type: ignore[arg-type]
                    at=given["at"],  # type: ignore[arg-type]
                    refused=refused,
                )
                raise

        return asked

    return keep


def _thing(given: dict[str, Any]) -> tuple[Programme, str]:
    batch: Batch | None = given.get("batch")
    payment: Payment | None = given.get("payment")
    if payment is not None:
        batch = payment.batch
    if batch is not None:
        return batch.programme, batch.address
    programme: Programme = given["programme"]
    return programme, f"programme:{programme.code}"


@transaction.atomic
def keep_attempt(
    *,
    kind: ActKind,
    programme: Programme,
    about: str,
    actor: User,
    at: datetime,
    refused: Refused,
) -> RefusedAttempt:
    """Write down that a person asked for a step and was refused, in the words of every language."""
    words = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            words[code] = str(refused)
    return RefusedAttempt.objects.create(
        programme=programme,
        kind=kind.value,
        about=about,
        asked_by=actor,
        at=at,
        code=refused.code,
        words=words,
    )
