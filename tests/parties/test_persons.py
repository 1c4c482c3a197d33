"""One person is one person, whatever accounts there are: by mailbox, by number, by an act."""

import hashlib

import pytest
from django.db import IntegrityError, connection, transaction

from ledger.actions import KeyReused
from ledger.queries import extent
from parties import actions
from parties.identities import IdentityInvalid, identity_digest, mailbox_of
from parties.models import IdentityNumber, Person, PersonChange, User
from parties.queries import NotAllowed, is_one_person, people_behind, person_changes_of
from parties.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db

CARD = "11010519491231002X"
ANOTHER_CARD = "440524198001010013"


def sign_up(email, identity=None):
    return actions.create_user(
        email=email, name="Mina", language="en", password=None, at=cast.NOON, identity=identity
    )


def person_of(user):
    return User.objects.get(pk=user.pk).person_id


def join(admin, user, other, key="join", reason="The staff register shows one person"):
    return actions.join_accounts(
        user=user, other=other, reason=reason, actor=admin, at=cast.NOON, key=key
    )


def part(admin, user, key="part", reason="Two people share a mailbox"):
    return actions.part_accounts(user=user, reason=reason, actor=admin, at=cast.NOON, key=key)


@pytest.fixture
def admin():
    return cast.make_authority().admin


# --- the mailbox -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "email",
    [
        "mina@example.org",
        "MINA@Example.ORG",
        " mina@example.org ",
        "mina+vouchers@example.org",
        "mina+a+b@example.org",
        "mina+@example.org",
        "mina@example.org.",
    ],
)
def test_addresses_of_one_mailbox(email):
    assert mailbox_of(email) == "mina@example.org"


@pytest.mark.parametrize(
    "email",
    ["mi.na@example.org", "mina-a@example.org", "mina@mail.example.org", "+mina@example.org"],
)
def test_addresses_of_other_mailboxes(email):
    assert mailbox_of(email) != "mina@example.org"


def test_an_account_of_a_known_mailbox_is_the_same_person_s():
    first, stranger = sign_up("mina@example.org"), sign_up("nora@example.org")

    second = sign_up("Mina+work@Example.org")

    assert second.pk != first.pk
    assert person_of(second) == person_of(first) != person_of(stranger)
    assert is_one_person(first, second)
    assert not is_one_person(first, stranger)
    assert Person.objects.count() == 2


def test_the_same_address_is_still_refused():
    sign_up("mina+work@example.org")

    with pytest.raises(actions.EmailTaken):
        sign_up("MINA+work@example.org")
    assert User.objects.count() == Person.objects.count() == 1


# --- the identity number ---------------------------------------------------------------------


def test_an_identity_number_joins_accounts_and_is_kept_nowhere():
    first = sign_up("mina@example.org", ("CN_ID", CARD))
    second = sign_up("mp@university.example", ("CN_ID", " 1101 0519 4912 31002x "))

    assert person_of(first) == person_of(second)
    kept = IdentityNumber.objects.get()
    assert (kept.user, kept.digest) == (first, identity_digest("CN_ID", CARD))
    assert len(kept.digest) == 64
    # Without the portal's secret nobody finds the number by trying them all.
    assert kept.digest != hashlib.sha256(CARD.encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            "select t::text from parties_user t union all"
            " select t::text from parties_identitynumber t"
        )
        assert not any(CARD in row for (row,) in cursor.fetchall())


def test_another_secret_makes_another_digest(settings):
    before = identity_digest("STAFF", "Harbour City/4711")
    settings.SECRET_KEY = "another"
    assert identity_digest("STAFF", "Harbour City/4711") != before


def test_a_number_counts_in_its_register_only():
    first = sign_up("mina@example.org", ("STAFF", "Harbour City/4711"))
    second = sign_up("nora@example.org", ("OTHER", "Harbour City/4711"))
    third = sign_up("olga@example.org", ("STAFF", "Hill Town/4711"))

    assert len({person_of(one) for one in (first, second, third)}) == 3


@pytest.mark.parametrize(
    "identity",
    [("CN_ID", "110105194912310021"), ("STAFF", "4711"), ("PASSPORT", "GB/"), ("OTHER", " ")],
)
def test_a_number_that_can_not_be_right_is_refused_and_not_repeated(identity):
    with pytest.raises(IdentityInvalid) as refusal:
        sign_up("mina@example.org", identity)

    assert identity[1].strip() in ("", "GB/") or identity[1] not in str(refusal.value)
    assert User.objects.count() == Person.objects.count() == 0


def test_a_mailbox_of_one_and_a_number_of_another_is_refused():
    sign_up("mina@example.org", ("CN_ID", CARD))
    sign_up("nora@example.org", ("CN_ID", ANOTHER_CARD))

    with pytest.raises(actions.IdentityUnclear):
        sign_up("mina+2@example.org", ("CN_ID", ANOTHER_CARD))
    assert User.objects.count() == Person.objects.count() == 2


def test_a_shared_mailbox_does_not_make_one_person_of_two_identity_cards():
    sign_up("office+mina@example.org", ("CN_ID", CARD))

    with pytest.raises(actions.IdentityUnclear):
        sign_up("office+nora@example.org", ("CN_ID", ANOTHER_CARD))
    assert User.objects.count() == 1


def test_a_number_is_of_one_person_in_the_database_too():
    first, second = sign_up("mina@example.org", ("CN_ID", CARD)), sign_up("nora@example.org")
    digest = IdentityNumber.objects.get().digest

    with pytest.raises(IntegrityError), transaction.atomic():
        IdentityNumber.objects.create(
            user=second, scheme="CN_ID", digest=digest, given_at=cast.NOON
        )
    assert person_of(first) != person_of(second)


# --- joining and parting ---------------------------------------------------------------------


def test_joined_accounts_are_one_person_s_with_all_their_fellows(admin):
    one, other = cast.a_person("Mina Park"), cast.a_person("M. Park")
    fellow = cast.another_account(other)

    person = join(admin, one, other)

    assert {person_of(account) for account in (one, other, fellow)} == {person.pk}
    assert person.pk == one.person_id
    addresses = [one.address, fellow.address, "provider:O-1", "system"]
    assert people_behind(addresses) == {
        one.address: person.address,
        fellow.address: person.address,
        "provider:O-1": "provider:O-1",
        "system": "system",
    }


def test_what_was_joined_is_on_record_with_who_and_why(admin):
    one, other = cast.a_person(), cast.a_person()
    former = other.person_id

    person = join(admin, one, other)

    (change,) = person_changes_of(person.pk)
    assert (change.user, change.former_id, change.at) == (other, former, cast.NOON)
    assert (change.act.kind, change.act.actor) == ("join_accounts", admin.address)
    assert change.act.reason == "The staff register shows one person"


def test_asked_twice_accounts_are_joined_once(admin):
    one, other = cast.a_person(), cast.a_person()
    person = join(admin, one, other)
    before = extent()

    assert join(admin, one, other) == person
    assert extent() == before
    assert PersonChange.objects.count() == 1
    with pytest.raises(KeyReused):
        join(admin, one, cast.a_person())
    with pytest.raises(actions.AccountsJoined):
        join(admin, one, other, key="again")


def test_asked_again_after_a_parting_the_first_answer_stands(admin):
    one, other = cast.a_person(), cast.a_person()
    person = join(admin, one, other)
    part(admin, other)

    assert join(admin, one, other) == person
    assert not is_one_person(one, other)


def test_a_parted_account_is_a_person_of_its_own(admin):
    one, other, fellow = cast.a_person(), cast.a_person(), cast.a_person()
    join(admin, one, other)
    join(admin, one, fellow, key="join 2")

    person = part(admin, other)

    assert person_of(other) == person.pk
    assert person_of(one) == person_of(fellow) != person.pk
    assert part(admin, other) == person
    assert [change.act.kind for change in person_changes_of(person_of(one))] == [
        "part_accounts",
        "join_accounts",
        "join_accounts",
    ]
    with pytest.raises(actions.AccountAlone):
        part(admin, other, key="again")


def test_nobody_joins_or_parts_themselves(admin):
    other, fellow = cast.a_person(), cast.another_account(admin)
    cast.with_role(fellow, admin.memberships.get().organisation, Role.ADMIN)
    before, changes = extent(), PersonChange.objects.count()

    for actor in (admin, fellow):
        with pytest.raises(actions.OwnAccounts):
            join(actor, admin, other)
        with pytest.raises(actions.OwnAccounts):
            join(actor, other, admin)
        with pytest.raises(actions.OwnAccounts):
            part(actor, admin)
    assert (extent(), PersonChange.objects.count()) == (before, changes)


def test_only_an_administrator_joins_and_parts_with_a_word_why():
    authority = cast.make_authority()
    one, other = cast.a_person(), cast.a_person()
    fellow = cast.another_account(one)
    before = extent()

    for actor in (authority.officer, authority.investigator, other):
        with pytest.raises(NotAllowed, match="Administrator"):
            join(actor, one, other)
        with pytest.raises(NotAllowed, match="Administrator"):
            part(actor, fellow)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(actions.ReasonMissing):
            join(authority.admin, one, other, reason=reason)
        with pytest.raises(actions.ReasonMissing):
            part(authority.admin, fellow, reason=reason)
    assert extent() == before
    assert not is_one_person(one, other)
    assert is_one_person(one, fellow)
