"""Members bring in colleagues and part with them, and somebody always stays."""

from datetime import timedelta

import pytest
from django.urls import reverse

from notices import actions as notices
from notices.models import Message
from parties import actions
from parties.models import Membership, User
from parties.queries import NotAllowed, has_role
from parties.roles import Role
from tests import cast
from tests.cast import NOON, a_key
from tests.doors.pages import send, words
from tests.ledger.book import at_once

ONE_DAY = timedelta(days=1)


def invite(applicant, email="lin@example.org", *, key=None, actor=None):
    return actions.invite_colleague(
        organisation=applicant.organisation,
        email=email,
        name="Lin Mei",
        language="zh-hans",
        actor=actor or applicant.person,
        at=NOON,
        key=key or a_key("invite"),
    )


def remove(membership, actor, *, key=None):
    return actions.remove_colleague(
        membership=membership, actor=actor, at=NOON + ONE_DAY, key=key or a_key("remove")
    )


@pytest.mark.django_db
def test_a_colleague_may_do_what_the_inviter_may_and_is_told_how_to_begin():
    applicant = cast.an_sme()
    first, again = (invite(applicant, key="one") for _turn in range(2))
    assert first == again
    user = first.user
    assert (user.name, user.language, user.has_usable_password()) == (
        "Lin Mei",
        "zh-hans",
        False,
    )
    assert has_role(user, Role.APPLICANT, organisation=applicant.organisation)
    notices.write_letters(at=NOON)
    letter = Message.objects.get(user=user)
    assert "Small Model Ltd" in letter.subject
    assert letter.path == reverse("account_reset_password")
    with pytest.raises(actions.RoleHeld):
        invite(applicant)
    assert Membership.objects.filter(organisation=applicant.organisation).count() == 2


@pytest.mark.django_db
def test_who_has_an_account_is_added_with_it():
    applicant, other = cast.an_sme(), cast.a_person("Wang Fang")
    count = User.objects.count()
    assert invite(applicant, f" {other.email.upper()} ").user == other
    assert User.objects.count() == count


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["", "lin", "@example.org", "a b@example.org", "a@b@c"])
def test_what_is_no_address_is_refused(email):
    with pytest.raises(actions.EmailInvalid):
        invite(cast.an_sme(), email)
    assert not User.objects.filter(name="Lin Mei").exists()


@pytest.mark.django_db
def test_strangers_neither_invite_nor_remove():
    applicant, stranger = cast.an_sme(), cast.an_sme("Another Ltd")
    with pytest.raises(NotAllowed):
        invite(applicant, actor=stranger.person)
    membership = invite(applicant)
    with pytest.raises(NotAllowed):
        remove(membership, stranger.person)
    assert has_role(membership.user, Role.APPLICANT, organisation=applicant.organisation)


@pytest.mark.django_db
def test_a_colleague_is_removed_once_and_the_last_one_stays():
    applicant = cast.an_sme()
    membership = invite(applicant)
    assert remove(membership, applicant.person, key="k") == remove(
        membership, applicant.person, key="k"
    )
    assert not has_role(membership.user, Role.APPLICANT, organisation=applicant.organisation)
    with pytest.raises(actions.MembershipEnded):
        remove(membership, applicant.person)
    own = Membership.objects.get(user=applicant.person, organisation=applicant.organisation)
    with pytest.raises(actions.LastMember):
        remove(own, applicant.person)
    assert has_role(applicant.person, Role.APPLICANT, organisation=applicant.organisation)
    # Who was removed may be invited again.
    assert invite(applicant).user == membership.user


@pytest.mark.slow
def test_two_who_remove_each_other_leave_one(committed_db):
    applicant = cast.an_sme()
    membership = invite(applicant)
    own = Membership.objects.get(user=applicant.person, organisation=applicant.organisation)
    pairs = ((own, membership.user), (membership, applicant.person))

    answers = at_once(8, lambda number: remove(*pairs[number % 2], key=f"k{number}"))

    assert sum(isinstance(one, Membership) for one in answers) == 1
    left = Membership.objects.filter(
        organisation=applicant.organisation, valid_until_on__isnull=True
    )
    assert left.count() == 1


@pytest.mark.django_db
def test_the_organisation_s_page_invites_and_removes(client):
    applicant = cast.an_sme()
    client.force_login(applicant.person)
    place = reverse("colleague_invite", args=[applicant.organisation.code])
    typed = {"name": "Lin Mei", "email": "lin@example.org", "language": "en"}
    assert "Enter an e-mail address" in words(send(client, place, **{**typed, "email": "lin"}))
    assert send(client, place, **typed).url == reverse("organisation")
    page = words(client.get(reverse("organisation")))
    assert "Lin Mei lin@example.org Applicant Remove Lin Mei" in page
    membership = Membership.objects.get(user__email="lin@example.org")
    place = reverse("colleague_remove", args=[applicant.organisation.code, membership.pk])
    send(client, place)
    assert "lin@example.org" not in words(client.get(reverse("organisation")))
