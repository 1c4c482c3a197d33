"""By what two accounts are seen to be one person's: a mailbox, or a number of a register."""

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from common.errors import Refused
from parties.models import IdentityNumber

Scheme = IdentityNumber.Scheme
_NUMBER_CHARACTERS_MAX = 80


class IdentityInvalid(Refused):
    """An identity number that can't be one of its register."""

    code = "identity_invalid"
    # The number is not repeated: it is kept nowhere, and so neither in a log of refusals.
    sentence = _("%(scheme)s: this can't be a number of that register. %(fix)s")


def mailbox_of(email: str) -> str:
    """Return the mailbox in which letters to an address arrive.

    In small letters, without the detail after a plus sign (RFC 5233: `name+detail@host` is
    `name@host`) and without the dot that may end a host's full name (RFC 1034, 3.1). What
    single hosts do beyond that, such as leaving out dots in the name, is not guessed.
    """
    name, _at, host = email.strip().lower().rpartition("@")
    plain = name.partition("+")[0]
    return f"{plain or name}@{host.rstrip('.')}"


def identity_digest(scheme: str, number: str) -> str:
    """Return what is kept of an identity number: its HMAC-SHA-256 under the portal's secret.

    Whoever reads the database can't try all numbers without the secret. With another secret
    numbers given before are no longer recognised; accounts that were joined stay joined.

    A Chinese identity card's number is checked for its day of birth and its last character, as
    GB 11643-1999 says; its place is not, for the lists of former places have gaps.
    Numbers of other registers are unique only beside who issues them: `GB/123456789`,
    `Harbour City/4711`.

    :raises IdentityInvalid: if it can't be a number of the register.
    """
    known = Scheme(scheme)
    plain = "".join(number.split()).upper()
    if known == Scheme.CN_ID:
        if not _is_card_number(plain):
            fix = _("Give the 18 characters of the identity card.")
            raise IdentityInvalid(scheme=known.label, fix=fix)
    else:
        issuer, _slash, rest = plain.partition("/")
        if not (issuer and rest) or len(plain) > _NUMBER_CHARACTERS_MAX:
            fix = _("Give who issues it, a slash, and the number, such as GB/123456789.")
            raise IdentityInvalid(scheme=known.label, fix=fix)
    digest = salted_hmac("parties.identity", f"{known.value}:{plain}", algorithm="sha256")
    return digest.hexdigest()


def _is_card_number(number: str) -> bool:
    if len(number) != 18 or not (number.isascii() and number[:-1].isdigit()):
        return False
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return False
    return bool(ric.calc_check_digit(number) == number[-1])
