"""Let people sign in, and say which accounts are one person's."""

from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger import actions as ledger
from ledger.kinds import ActKind
from parties.identities import identity_digest, mailbox_of
from parties.models import IdentityNumber, Person, PersonChange, User
from parties.queries import person_kept, require_role
from parties.roles import Role

# Any numbers will do, as long as nothing else in the database locks them.
_MAILBOX_LOCK, _PERSONS_LOCK = 727_103, 727_104
REASON_CHARACTERS_MAX = 500


class EmailTaken(Refused):
    """Another person signs in with this address."""

    code = "email_taken"
    sentence = _("Somebody already signs in with %(email)s. Use another e-mail address.")


class IdentityUnclear(Refused):
    """The mailbox is one person's and the identity number another's."""

    code = "identity_unclear"
    sentence = _(
        "Letters to %(email)s reach one person known here, and the identity number is "
        "another’s. Have an administrator join the two first, or correct one of them."
    )


class OwnAccounts(Refused):
    """Who asks is one of the persons whose accounts would be joined or parted."""

    code = "own_accounts"
    sentence = _(
        "Nobody joins or parts their own accounts. Ask another administrator to do it."
    )


class AccountsJoined(Refused):
    """The two accounts belong to one person already."""

    code = "accounts_joined"
    sentence = _("%(one)s and %(other)s are one person’s already; nothing to do.")


class AccountAlone(Refused):
    """The account is its person's only one."""

    code = "account_alone"
    sentence = _("%(account)s is the only account of its person, so there is nothing to part.")


class ReasonMissing(Refused):
    """Who is one person is never changed without a word why."""

    code = "reason_missing"
    sentence = _("Say why, in up to %(most)s characters.")


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    language: str,
    password: str | None,
    at: datetime,
    identity: tuple[str, str] | None = None,
) -> User:
    """Let a person sign in with an e-mail address.

    A person is not value, so no act is written. Without a password the person has to ask for
    a new one before the first sign-in.

    An address whose letters arrive in a mailbox that is known, and an identity number that is
    known, are those of the person who has them: the new account is another one of theirs. Where
    an administrator parted accounts of one mailbox, it goes to the person of the oldest.

    :param identity: a scheme of `IdentityNumber` and the number in that register; only a keyed
        digest of it is kept.
    :raises EmailTaken: if somebody signs in with this address already.
    :raises IdentityInvalid: if the number can't be one of that register.
    :raises IdentityUnclear: if the mailbox is one person's and the number another's.
    """
    plain = User.objects.normalize_email(email.strip()).lower()
    mailbox = mailbox_of(plain)
    scheme, digest = (identity[0], identity_digest(*identity)) if identity else ("", "")
    # Two new accounts of one mailbox, or of one number, wait for each other here.
    _lock_words(_MAILBOX_LOCK, *sorted({mailbox, digest} - {""}))
    if User.objects.filter(email__iexact=plain).exists():
        raise EmailTaken(email=plain)
    known = IdentityNumber.objects.filter(scheme=scheme, digest=digest).first()
    of_mailbox = User.objects.filter(mailbox=mailbox).order_by("joined_at", "pk").first()
    # Locked in one order, as joining locks them.
    holders = {one.pk: one for one in (of_mailbox, known.user if known else None) if one}
    persons = {person_kept(holders[pk]) for pk in sorted(holders)}
    if len(persons) > 1 or (scheme and not known and _has_other_card(persons, scheme)):
        raise IdentityUnclear(email=plain)
    person = persons.pop() if persons else Person.objects.create(known_since=at).pk
    user = User(
        email=plain,
        mailbox=mailbox,
        person_id=person,
        name=name,
        language=language,
        joined_at=at,
    )
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save()
    if identity and known is None:
        IdentityNumber.objects.create(user=user, scheme=scheme, digest=digest, given_at=at)
    return user


def _has_other_card(persons: set[int], scheme: str) -> bool:
    """Say whether one of the persons has another identity card, of which nobody has two."""
    return (
        scheme == IdentityNumber.Scheme.CN_ID
        and IdentityNumber.objects.filter(user__person__in=persons, scheme=scheme).exists()
    )


def _lock_words(space: int, *words: str) -> None:
    """Let nobody else lock the same words until the transaction ends."""
    with connection.cursor() as cursor:
        for word in words:
            cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [space, word])


@transaction.atomic
def join_accounts(
    *, user: User, other: User, reason: str, actor: User, at: datetime, key: str
) -> Person:
    """Say that two accounts are one person's: all accounts of the other's come to the first's.

    From then on they are one wherever two are asked for, also where one of them has done the
    first step. What two people have done by then stays done. Only `part_accounts` undoes it.

    :raises NotAllowed: if the actor is no administrator.
    :raises ReasonMissing: if there is no word why, or too many.
    :raises OwnAccounts: if one of the accounts is the actor's person's.
    :raises AccountsJoined: if they are one person's already.
    """
    require_role(actor, Role.ADMIN)
    why = _checked_reason(reason)
    act = ledger.begin(
        kind=ActKind.JOIN_ACCOUNTS,
        key=key,
        actor=actor.address,
        about=user.address,
        at=at,
        payload={"other": other.address, "reason": why},
        reason=why,
        details={"other": other.address},
    )
    if act.is_replay:
        return _person_after(act)
    kept, former = _persons_locked(user, other)
    if person_kept(actor) in (kept, former):
        raise OwnAccounts
    if kept == former:
        raise AccountsJoined(one=user.email, other=other.email)
    _move(list(User.objects.filter(person=former).order_by("pk")), kept, act)
    return Person.objects.get(pk=kept)


@transaction.atomic
def part_accounts(*, user: User, reason: str, actor: User, at: datetime, key: str) -> Person:
    """Say that an account is another person's than its fellows: it becomes one of its own.

    Its fellows stay together. An identity number stays with the account that it was given for.

    :raises NotAllowed: if the actor is no administrator.
    :raises ReasonMissing: if there is no word why, or too many.
    :raises OwnAccounts: if the account is the actor's person's.
    :raises AccountAlone: if it is its person's only account.
    """
    require_role(actor, Role.ADMIN)
    why = _checked_reason(reason)
    act = ledger.begin(
        kind=ActKind.PART_ACCOUNTS,
        key=key,
        actor=actor.address,
        about=user.address,
        at=at,
        payload={"reason": why},
        reason=why,
    )
    if act.is_replay:
        return _person_after(act)
    (former,) = _persons_locked(user)
    if person_kept(actor) == former:
        raise OwnAccounts
    if User.objects.filter(person=former).count() < 2:
        raise AccountAlone(account=user.email)
    person = Person.objects.create(known_since=at)
    _move(list(User.objects.filter(pk=user.pk)), person.pk, act)
    return person


def _checked_reason(reason: str) -> str:
    why = reason.strip()
    if not 0 < len(why) <= REASON_CHARACTERS_MAX:
        raise ReasonMissing(most=REASON_CHARACTERS_MAX)
    return why


def _persons_locked(*accounts: User) -> list[int]:
    """Return the persons of accounts, and let no action that compares them go on meanwhile."""
    # One change of persons at a time; then every account of those persons, in one order.
    _lock_words(_PERSONS_LOCK, "")
    persons = [User.objects.values_list("person_id", flat=True).get(pk=a.pk) for a in accounts]
    fellows = User.objects.filter(person__in=persons).select_for_update(no_key=True)
    list(fellows.order_by("pk").values_list("pk", flat=True))
    return persons


def _move(accounts: list[User], person: int, act: ledger.Act) -> None:
    PersonChange.objects.bulk_create(
        PersonChange(
            user=one, former_id=one.person_id, person_id=person, at=act.at, act_id=act.id
        )
        for one in accounts
    )
    User.objects.filter(pk__in=[one.pk for one in accounts]).update(person=person)


def _person_after(act: ledger.Act) -> Person:
    """Return to whom an act brought accounts, whatever came after."""
    return PersonChange.objects.filter(act_id=act.id).select_related("person")[0].person


@transaction.atomic
def change_profile(*, user: User, name: str, language: str) -> User:
    """Change how a person is named and in which language they are written to."""
    user.name, user.language = name, language
    user.save(update_fields=["name", "language"])
    return user
