"""Keep what public registers answered, with its source and its time."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.kinds import Register
from parties.models import Organisation, OwnershipLink, RegisterAnswer
from parties.queries import require_staff
from parties.registers import Answer, OwnershipFacts, facts_to_json
from parties.roles import Role


@transaction.atomic
def keep_register_answers(
    *,
    organisation: Organisation,
    answers: Iterable[Answer],
    actor: str,
    at: datetime,
    key: str,
) -> tuple[RegisterAnswer, ...]:
    """Keep what registers answered about an organisation, asked at `at`; all or nothing.

    The registers were asked before, outside of this transaction (`parties.registers.ask`).
    What an earlier asking kept stays; the newest answer of each register is what counts. The
    same key returns what was kept first, whatever the registers say by now.

    :raises NotAllowed: if the actor is a person who is neither officer nor administrator.
    """
    require_staff(actor, Role.OFFICER, Role.ADMIN)
    found = list(answers)
    act = ledger.begin(
        kind=ActKind.ASK_REGISTERS,
        key=key,
        actor=actor,
        about=organisation.address,
        at=at,
        payload={},
        details={"registers": [answer.register.value for answer in found]},
    )
    if act.is_replay:
        return tuple(RegisterAnswer.objects.filter(act_id=act.id).order_by("pk"))
    return tuple(_keep(organisation, answer, act) for answer in found)


def _keep(organisation: Organisation, answer: Answer, act: ledger.Act) -> RegisterAnswer:
    row = RegisterAnswer.objects.create(
        organisation=organisation,
        register=Register(answer.register),
        source=answer.source,
        content=facts_to_json(answer.facts),
        asked_at=act.at,
        act_id=act.id,
    )
    if isinstance(answer.facts, OwnershipFacts):
        OwnershipLink.objects.bulk_create(
            OwnershipLink(
                answer=row,
                owner_scheme=link.owner.scheme,
                owner_identifier=link.owner.number,
                owned_scheme=link.owned.scheme,
                owned_identifier=link.owned.number,
                share=link.share,
                control=link.control,
            )
            for link in answer.facts.links
        )
    return row
