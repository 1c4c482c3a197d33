"""Everything that can be done to people and organisations: one function, one transaction."""

from parties.actions.bank_details import (
    BankDetailInvalid,
    BankDetailNotStoppable,
    BankDetailNotWaiting,
    approve_bank_detail,
    propose_bank_detail,
    stop_bank_detail,
)
from parties.actions.colleagues import (
    EmailInvalid,
    LastMember,
    invite_colleague,
    remove_colleague,
    role_of_members,
)
from parties.actions.memberships import (
    MembershipEnded,
    RoleDoesNotFit,
    RoleHeld,
    end_role,
    give_role,
)
from parties.actions.organisations import (
    OrganisationKnown,
    register_organisation,
)
from parties.actions.persons import (
    REASON_CHARACTERS_MAX,
    AccountAlone,
    AccountsJoined,
    EmailTaken,
    IdentityUnclear,
    OwnAccounts,
    ReasonMissing,
    change_profile,
    create_user,
    join_accounts,
    part_accounts,
)
from parties.actions.registers import (
    keep_register_answers,
)

__all__ = [
    "REASON_CHARACTERS_MAX",
    "AccountAlone",
    "AccountsJoined",
    "BankDetailInvalid",
    "BankDetailNotStoppable",
    "BankDetailNotWaiting",
    "EmailInvalid",
    "EmailTaken",
    "IdentityUnclear",
    "LastMember",
    "MembershipEnded",
    "OrganisationKnown",
    "OwnAccounts",
    "ReasonMissing",
    "RoleDoesNotFit",
    "RoleHeld",
    "approve_bank_detail",
    "change_profile",
    "create_user",
    "end_role",
    "give_role",
    "invite_colleague",
    "join_accounts",
    "keep_register_answers",
    "part_accounts",
    "propose_bank_detail",
    "register_organisation",
    "remove_colleague",
    "role_of_members",
    "stop_bank_detail",
]
