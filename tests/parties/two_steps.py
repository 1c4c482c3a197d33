"""A first step that was done under one account, and a second to be asked for under another."""

from dataclasses import dataclass
from typing import Any

from common.errors import Refused
from parties.models import Organisation, User
from parties.queries import SamePerson
from parties.roles import Role
from safeguards import actions as safeguards
from tests import cast


@dataclass(frozen=True)
class Scene:
    """Who did the first step, where the second needs which role, and how it is asked for."""

    admin: User
    first: User
    where: Organisation
    role: Role
    second: Any  # (account) -> what the second step answers
    refusal: type[Refused] = SamePerson


def rule_released():
    authority = cast.make_authority()
    second_admin = cast.with_role(cast.a_person(), authority.organisation, Role.ADMIN)

    def release(account):
        return safeguards.release_rule(
            code="billed_above_meter",
            parameters={"tolerance_ms": "1"},
            from_at=cast.NOON,
            proposed_by=authority.officer,
            actor=account,
            at=cast.NOON,
            key="rule",
        )

    return Scene(
        second_admin,
        authority.officer,
        authority.organisation,
        Role.ADMIN,
        release,
        safeguards.RuleNeedsSecondPerson,
    )


def accreditation_decided():
    authority, (organisation, person) = cast.make_authority(), cast.a_newcomer()
    application = cast.an_accreditation_application(authority, organisation, person)

    def decide(account):
        return cast.a_decided_accreditation(application, account, key="decide")

    return Scene(authority.admin, person, authority.organisation, Role.OFFICER, decide)
