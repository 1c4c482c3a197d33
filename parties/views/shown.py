"""What the pages of organisations share: whose they are, and where they are paid."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from common.errors import NotFound
from common.formatting import instant
from parties import queries
from parties.authentication import signed_in
from parties.dealings import organisations_before
from parties.models import BankDetail, Organisation
from parties.roles import Role


def organisation_of(request: HttpRequest, code: str) -> Organisation:
    """Return an organisation of the person who is signed in.

    :raises NotFound: if they are in none under this code.
    """
    for one in queries.organisations_of(signed_in(request)):
        if one.code == code:
            return one
    raise NotFound(what=code)


def bank_detail_facts(detail: BankDetail) -> list[dict[str, object]]:
    """Return the rows that tell where a bank detail pays, and from when until when."""
    facts: list[dict[str, object]] = [
        {"key": _("Name on the bank account"), "value": detail.holder},
        {"key": BankDetail.Scheme(detail.scheme).label, "value": detail.number},
        {"key": "BIC", "value": detail.agent},
    ]
    if detail.pays_from_at:
        facts.append({"key": _("Paid from"), "value": instant(detail.pays_from_at)})
    if detail.pays_until_at:
        facts.append({"key": _("Paid until"), "value": instant(detail.pays_until_at)})
    return facts


def details_waiting_for(request: HttpRequest) -> list[BankDetail]:
    """Return the proposals that the person, as a finance officer, may look at; oldest first."""
    before = organisations_before(signed_in(request), Role.FINANCE)
    return list(queries.bank_details_waiting().filter(organisation__in=before))
