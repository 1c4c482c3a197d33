"""Register organisations, keep what registers say of them, and say who is what where."""

from parties.actions.bank_details import (
    BankDetailInvalid,
    BankDetailNotWaiting,
    approve_bank_detail,
    propose_bank_detail,
)
from parties.actions.organisations import OrganisationKnown, register_organisation
from parties.actions.people import (
    EmailTaken,
    MembershipEnded,
    RoleDoesNotFit,
    RoleHeld,
    change_profile,
    create_user,
    end_role,
    give_role,
)
from parties.actions.registers import keep_register_answers

__all__ = [
    "BankDetailInvalid",
    "BankDetailNotWaiting",
    "EmailTaken",
    "MembershipEnded",
    "OrganisationKnown",
    "RoleDoesNotFit",
    "RoleHeld",
    "approve_bank_detail",
    "change_profile",
    "create_user",
    "end_role",
    "give_role",
    "keep_register_answers",
    "propose_bank_detail",
    "register_organisation",
]
