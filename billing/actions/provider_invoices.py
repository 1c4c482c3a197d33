"""Attach a provider's own invoice to its bill, once it is found in order and of its amount."""

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing.invoices import fapiao
from billing.invoices.breaks import TERMS, amount_words
from billing.invoices.fapiao import Fapiao
from billing.invoices.model import INVOICE, Invoice
from billing.invoices.reading import Reading, read_invoice
from billing.models import Bill, ProviderInvoice
from common.errors import Refused
from common.money import is_currency, major
from ledger.actions import begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import address_of, require_role
from parties.roles import Role

Kind = ProviderInvoice.Kind
# Any number will do, as long as nothing else in the database locks it with a number's fingerprint.
_LOCK = 727_104
_SPACES = re.compile(r"[\s.-]+")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|]')
_NAME_MOST, _NUMBER_MOST = 120, 100


class InvoiceNotInOrder(Refused):
    """The file breaks its schema or a published rule."""

    code = "invoice_not_in_order"
    sentence = _("The invoice is not in order. %(place)s: %(words)s")


class InvoiceDiffers(Refused):
    """The invoice is not the one of this bill."""

    code = "invoice_differs"
    sentence = _(
        "The %(term)s (%(place)s) of the invoice is %(found)s, and that of bill %(bill)s is "
        "%(expected)s. Attach the invoice of this bill, or have it written anew."
    )


class InvoiceNumberUsed(Refused):
    """The same invoice stands on another bill."""

    code = "invoice_number_used"
    sentence = _(
        "Invoice number %(number)s (BT-1) is attached to another bill already. An invoice is for "
        "one bill alone: attach the one of bill %(bill)s."
    )


class InvoiceAttached(Refused):
    """The bill has its invoice."""

    code = "invoice_attached"
    sentence = _("Bill %(bill)s has its invoice already: %(number)s. It stays attached.")


class InvoiceOfHours(Refused):
    """The bill is in kind."""

    code = "invoice_of_hours"
    sentence = _("Bill %(bill)s is in GPU-hours, which are not invoiced. Attach nothing to it.")


@dataclass(frozen=True, slots=True)
class _Read:
    """What of an invoice is compared with its bill."""

    kind: str
    number: str
    issued_on: date | None
    currency: str
    seller_ids: tuple[str, ...]
    total: Decimal


@transaction.atomic
def attach_invoice(
    *, bill: Bill, name: str, data: bytes, actor: User | str, at: datetime, key: str
) -> ProviderInvoice:
    """Attach a provider's invoice (UBL 2.1 or fapiao) to a bill, byte for byte as it came.

    It has to follow its schema and all rules that are read, to be the provider's, in the bill's
    currency, and of the bill's total with tax to the cent. Nothing is paid or moved by it; where
    the law asks for an invoice, the bill is paid only from then on.

    :param actor: a person, or the address of a provider's program.
    :raises NotAllowed: if a person acts neither for the provider nor for whoever is paid.
    :raises InvoiceUnreadable: in one of its kinds, if the file can't be read.
    :raises InvoiceOfHours: if the bill is in kind.
    :raises InvoiceNotInOrder: naming the first rule that is broken.
    :raises InvoiceDiffers: naming what is not the bill's.
    :raises InvoiceAttached: if the bill has another one already.
    :raises InvoiceNumberUsed: if it is attached to another bill.
    :raises KeyReused: if the key was used for another file or bill.
    """
    if isinstance(actor, User):
        _require_payee(bill, actor)
    reading = read_invoice(data)
    act = begin(
        kind=ActKind.ATTACH_INVOICE,
        key=key,
        actor=address_of(actor),
        about=bill.address,
        at=at,
        payload={"sha256": reading.sha256},
        details={"sha256": reading.sha256},
    )
    if act.is_replay:
        return ProviderInvoice.objects.get(act_id=act.id)
    bill = (
        Bill.objects.select_for_update(of=("self",), no_key=True)
        .select_related("provider__organisation")
        .get(pk=bill.pk)
    )
    before = ProviderInvoice.objects.filter(bill=bill).defer("content").first()
    if before is not None:
        raise InvoiceAttached(bill=bill.number, number=before.number)
    found = _in_order(bill, reading)
    series = "" if found.kind == Kind.FAPIAO else bill.provider.organisation.code
    _require_unused(bill, found, series)
    return ProviderInvoice.objects.create(
        bill=bill,
        kind=found.kind,
        series=series,
        number=found.number,
        issued_on=found.issued_on,
        amount=bill.total,
        name=_UNSAFE.sub("_", name).strip()[-_NAME_MOST:] or f"{bill.number}.xml",
        content=data,
        size=len(data),
        sha256=reading.sha256,
        attached_by=address_of(actor),
        attached_at=at,
        act_id=act.id,
    )


def _require_payee(bill: Bill, person: User) -> None:
    if bill.kind == Bill.Kind.CLAIM:
        require_role(person, Role.APPLICANT, organisation=bill.payee)
    else:
        require_role(person, Role.PROVIDER, organisation=bill.provider.organisation)


def _in_order(bill: Bill, reading: Reading) -> _Read:
    """Return what is compared of an invoice that is in order and this bill's."""
    if not is_currency(bill.unit):
        raise InvoiceOfHours(bill=bill.number)
    for error in reading.schema_errors:
        place = gettext("line %(line)s") % {"line": error.line}
        raise InvoiceNotInOrder(place=place, words=error.words)
    for one in reading.breaks:
        raise InvoiceNotInOrder(place=one.rule, words=one.sentence)
    found = _compared(bill, reading.document)
    provider = bill.provider.organisation
    if found.currency != bill.unit:
        raise _differs(bill, "BT-5", found.currency, bill.unit)
    if _plain(provider.identifier) not in {_plain(one) for one in found.seller_ids}:
        told = ", ".join(found.seller_ids) or "–"
        place = "BT-31" if found.kind == Kind.FAPIAO else "BT-29"
        raise _differs(bill, place, told, provider.identifier)
    if found.total != (total := major(bill.total, bill.unit)):
        raise _differs(bill, "BT-112", amount_words(found.total), amount_words(total))
    return found


def _compared(bill: Bill, document: Invoice | Fapiao) -> _Read:
    if isinstance(document, Fapiao):
        assert document.with_tax is not None, "FP-05 asks for it"
        return _Read(
            Kind.FAPIAO,
            document.number,
            document.issued_on,
            fapiao.CURRENCY,
            (document.seller_id,) if document.seller_id else (),
            document.with_tax,
        )
    if document.kind != INVOICE:
        raise _differs(bill, "BT-3", document.kind, INVOICE)
    assert document.totals.with_tax is not None, "BR-14 asks for it"
    return _Read(
        Kind.UBL,
        document.number[:_NUMBER_MOST],
        document.issued_on,
        document.currency,
        document.seller.identifiers,
        document.totals.with_tax,
    )


def _differs(bill: Bill, place: str, found: str, expected: str) -> InvoiceDiffers:
    return InvoiceDiffers(
        term=str(TERMS[place]),
        place=place,
        found=found[:100],
        expected=expected,
        bill=bill.number,
    )


def _plain(identifier: str) -> str:
    return _SPACES.sub("", identifier).upper()


def _require_unused(bill: Bill, found: _Read, series: str) -> None:
    """Refuse a number that stands on another bill; whoever asks with the same number queues."""
    word = hashlib.sha256(f"{found.kind}/{series}/{found.number}".encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, word])
    if ProviderInvoice.objects.filter(
        kind=found.kind, series=series, number=found.number
    ).exists():
        raise InvoiceNumberUsed(number=found.number, bill=bill.number)
