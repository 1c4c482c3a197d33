"""How a provider's person goes from the portal into the sandbox: by a ticket of one minute."""

from dataclasses import asdict, dataclass
from uuid import uuid4

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext_lazy as _

from common.errors import Refused

LASTS_SECONDS = 60
_SALT = "tessera.sandbox"


class TicketInvalid(Refused):
    """The way into the sandbox is not, or no longer, good."""

    code = "sandbox_ticket_invalid"
    sentence = _(
        "This way into the sandbox was used already or is more than a minute old. Open the "
        "sandbox from your own pages again."
    )


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who comes, for which provider; `number` makes it good once."""

    email: str
    name: str
    language: str
    provider: str
    provider_name: str
    number: str


def ticket_for(*, email: str, name: str, language: str, provider: str, title: str) -> str:
    """Return a signed ticket for a person who acts for a provider."""
    ticket = Ticket(email, name, language, provider, title, uuid4().hex)
    return signing.dumps(asdict(ticket), key=settings.SANDBOX_KEY, salt=_SALT)


def read_ticket(text: str) -> Ticket:
    """Return what a ticket says.

    :raises TicketInvalid: if it is not ours, was changed, or is older than a minute.
    """
    try:
        said = signing.loads(text, key=settings.SANDBOX_KEY, salt=_SALT, max_age=LASTS_SECONDS)
    except signing.BadSignature:
        raise TicketInvalid from None
    return Ticket(**said)
