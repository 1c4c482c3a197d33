"""A role counts where it was given, from when it is given until it is ended."""

from datetime import date

import pytest

from parties import actions
from parties.queries import (
    NotAllowed,
    has_role,
    organisations_of,
    require_role,
    roles_of,
    users_with,
)
from parties.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db


def give(user, organisation, role, actor, programme_code="", key="r"):
    return actions.give_role(
        user=user,
        organisation=organisation,
        role=role,
        programme_code=programme_code,
        valid_from_on=cast.TODAY,
        actor=actor,
        at=cast.NOON,
        key=key,
    )


def test_a_person_has_the_roles_that_were_given():
    authority = cast.make_authority()
    applicant = cast.an_sme()

    assert roles_of(authority.officer) == {Role.OFFICER}
    assert roles_of(applicant.person) == {Role.APPLICANT}
    assert list(organisations_of(applicant.person, Role.APPLICANT)) == [applicant.organisation]
    assert list(organisations_of(applicant.person, Role.PROVIDER)) == []


def test_an_administrator_gives_and_ends_a_role():
    authority = cast.make_authority()
    person = cast.a_person()
    admin = authority.admin.address

    membership = give(person, authority.organisation, Role.OFFICER, admin)
    assert has_role(person, Role.OFFICER)

    actions.end_role(
        membership=membership, on=date(2025, 6, 3), actor=admin, at=cast.NOON, key="end"
    )
    assert not has_role(person, Role.OFFICER)
    with pytest.raises(actions.MembershipEnded):
        actions.end_role(
            membership=membership, on=date(2025, 6, 4), actor=admin, at=cast.NOON, key="end 2"
        )


def test_an_officer_gives_no_roles():
    authority = cast.make_authority()
    person = cast.a_person()

    with pytest.raises(NotAllowed, match="Administrator"):
        give(person, authority.organisation, Role.FINANCE, authority.officer.address)
    assert roles_of(person) == set()


def test_a_role_of_another_kind_of_organisation_is_refused():
    authority = cast.make_authority()
    sme = cast.an_sme()
    person = cast.a_person()

    for organisation, role in (
        (sme.organisation, Role.OFFICER),
        (sme.organisation, Role.PROVIDER),
        (authority.organisation, Role.APPLICANT),
    ):
        with pytest.raises(actions.RoleDoesNotFit):
            give(person, organisation, role, authority.admin.address)
    assert roles_of(person) == set()


def test_the_same_role_twice_is_refused_and_the_same_key_is_not():
    authority = cast.make_authority()
    person = cast.a_person()
    admin = authority.admin.address
    first = give(person, authority.organisation, Role.OFFICER, admin)

    assert give(person, authority.organisation, Role.OFFICER, admin) == first
    with pytest.raises(actions.RoleHeld):
        give(person, authority.organisation, Role.OFFICER, admin, key="another")


def test_a_role_in_one_programme_counts_in_that_programme_only():
    authority = cast.make_authority()
    person = cast.a_person()
    give(person, authority.organisation, Role.OFFICER, authority.admin.address, "p-1")

    assert has_role(person, Role.OFFICER, programme_code="p-1")
    assert not has_role(person, Role.OFFICER, programme_code="p-2")
    assert has_role(authority.officer, Role.OFFICER, programme_code="p-2")
    assert person in users_with(Role.OFFICER, programme_code="p-1")
    assert person not in users_with(Role.OFFICER, programme_code="p-2")


def test_a_role_at_one_authority_is_none_at_another():
    here, there = cast.make_authority(), cast.make_authority("Another Bureau")

    require_role(here.officer, Role.OFFICER, organisation=here.organisation)
    with pytest.raises(NotAllowed, match="Another Bureau"):
        require_role(here.officer, Role.OFFICER, organisation=there.organisation)


def test_a_person_who_is_not_active_has_no_role():
    authority = cast.make_authority()
    authority.officer.is_active = False

    with pytest.raises(NotAllowed):
        require_role(authority.officer, Role.OFFICER)
