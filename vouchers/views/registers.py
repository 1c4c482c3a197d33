"""Ask the registers about who applies: when an application is sent, and when an officer wants."""

from datetime import datetime

from ledger.actions import SYSTEM
from parties import actions as parties
from parties import registers
from parties.kinds import Register
from parties.models import Organisation
from parties.undertakings import identifier_of
from providers.queries import provider_by_code
from vouchers.models import Application


def ask_about(
    application: Application, *, actor: str, at: datetime, key: str
) -> registers.Asked:
    """Ask all registers about an applicant, and that of ownership about its provider.

    What they answer is kept; one that fails leaves its facts unknown and stops nothing. Asked
    before any transaction begins, as a register may be slow.
    """
    provider = provider_by_code(str(application.answers.get("provider_code") or ""))
    asked: list[tuple[Organisation, registers.Asked]] = [
        (application.organisation, registers.ask(identifier_of(application.organisation)))
    ]
    if provider is not None and provider.organisation_id != application.organisation_id:
        whose = identifier_of(provider.organisation)
        found = registers.ask(whose, [Register.OWNERSHIP])
        asked.append((provider.organisation, found))
    for organisation, found in asked:
        if found.answers:
            parties.keep_register_answers(
                organisation=organisation,
                answers=found.answers,
                actor=actor,
                at=at,
                key=f"{key}:{organisation.code}",
            )
    return registers.Asked(
        tuple(answer for _whose, found in asked for answer in found.answers),
        tuple(failure for _whose, found in asked for failure in found.failures),
    )


def ask_at_sending(application: Application, at: datetime) -> None:
    """Ask the registers once, as the portal itself, about an application that was just sent."""
    ask_about(application, actor=SYSTEM, at=at, key=f"sent:{application.reference}")
