"""What a letter is, and the few things that all letters say alike."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from common.languages import in_language
from parties.models import Organisation, User
from parties.queries import users_with
from parties.roles import Role
from vouchers.models import Programme


@dataclass(frozen=True, slots=True)
class Deed:
    """An act of the ledger as letters read it."""

    id: int
    kind: str
    actor: str
    about: str
    at: datetime
    details: Mapping[str, Any]

    @property
    def code(self) -> str:
        """The name of what it is about, without its kind."""
        return self.about.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Words:
    """A subject and a body in one language; the body's paragraphs are parted by empty lines."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Letter:
    """Who is told, what, and on which page they see it.

    `words` is asked once a language, in which it speaks. `kind` tells a reminder from the news.
    """

    recipients: tuple[User, ...]
    path: str
    words: Callable[[], Words]
    kind: str = ""


Letters = Iterable[Letter]


def people_of(organisation: Organisation, *roles: Role) -> tuple[User, ...]:
    """Return the people of an organisation with one of the roles; by default all who act for it."""
    wanted = roles or (Role.APPLICANT, Role.PROVIDER, Role.FINANCE)
    return _once(users_with(role, organisation=organisation) for role in wanted)


def finance_of(programme: Programme, *but: User | None) -> tuple[User, ...]:
    """Return the finance officers of a programme, without those who did the step before."""
    found = users_with(
        Role.FINANCE, organisation=programme.authority, programme_code=programme.code
    )
    doers = {one.person_id for one in but if one is not None}
    return tuple(one for one in found if one.person_id not in doers)


def _once(found: Iterable[QuerySet[User]]) -> tuple[User, ...]:
    return tuple({user.pk: user for users in found for user in users}.values())


def paragraphs(*texts: str) -> str:
    """Join the paragraphs of a body, leaving out empty ones."""
    return "\n\n".join(text for text in texts if text)


def stored_text(text: Mapping[str, str]) -> str:
    """Return a stored text with `en` and `zh` in the language spoken."""
    return in_language(text["en"], text["zh"])
