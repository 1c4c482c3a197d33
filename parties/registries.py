"""What public registers say of an organisation's number."""

from django.utils.translation import gettext_lazy as _
from stdnum import lei
from stdnum.cn import uscc
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from common.errors import Refused
from parties.models import Organisation

IdentifierScheme = Organisation.IdentifierScheme


class IdentifierInvalid(Refused):
    """A register's number that can't be one of that register."""

    code = "identifier_invalid"
    sentence = _("%(name)s: “%(value)s” can't be a number of this register. %(fix)s")


def checked_identifier(scheme: str, number: str) -> str:
    """Return a register's number in its plain form.

    Checked as its register checks: GB 32100-2015 (USCC), ISO 17442 (LEI), each member
    state's VAT rule; a company number of the United Kingdom has 8 characters.

    :raises IdentifierInvalid: naming the register, the value and the fix.
    """
    checks = {
        IdentifierScheme.CN_USCC: (uscc, _("Give the 18 characters of the business licence.")),
        IdentifierScheme.LEI: (
            lei,
            _("Give the 20 characters as the LEI register shows them."),
        ),
        IdentifierScheme.EU_VAT: (vat, _("Give it with its country, such as DE136695976.")),
    }
    scheme = IdentifierScheme(scheme)
    if scheme in checks:
        module, fix = checks[scheme]
        try:
            return str(module.validate(number))
        except ValidationError as error:
            raise IdentifierInvalid(name=scheme.label, value=number, fix=fix) from error
    plain = number.strip().upper()
    if scheme == IdentifierScheme.GB_COMPANY and not _is_company_number(plain):
        fix = _("Give 8 characters, with leading noughts, such as 01234567 or SC123456.")
        raise IdentifierInvalid(name=scheme.label, value=number, fix=fix)
    if not plain:
        fix = _("Give the number under which the organisation is known.")
        raise IdentifierInvalid(name=scheme.label, value=number, fix=fix)
    return plain


def _is_company_number(number: str) -> bool:
    return len(number) == 8 and number.isascii() and number.isalnum() and number[2:].isdigit()
