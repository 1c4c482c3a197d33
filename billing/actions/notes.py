"""Give each correction of a settled bill its number: a credit note, or a debit note."""

from dataclasses import asdict

from django.db import connection

from billing.models import Bill, CorrectionNote
from billing.queries.invoices import InvoicePart, invoice_parts, parties_of
from ledger.actions import Act

Kind = CorrectionNote.Kind
# What stands before the number of a note in its series.
PREFIXES = {Kind.CREDIT: "CN", Kind.DEBIT: "DN"}
DIGITS = 6
# Any number will do, as long as nothing else in the database locks it with a code.
_LOCK = 727_103
_NAMED = ("name", "legal_id", "legal_id_scheme", "country")


def number_note(bill: Bill, act: Act) -> CorrectionNote | None:
    """Write the note of what an act corrected of a bill; None where it corrected no paper.

    A correction downwards is a credit note, one upwards a debit note, each with the next number
    of its issuer's series: an act that is refused takes none, so there is no gap. Belongs in the
    transaction of the correction, as its last step: whoever else wants a number of the same
    issuer waits for its end.
    """
    part = _part_of(bill, act)
    if part is None or part.position == 1:
        return None
    issuer = bill.programme.authority
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, issuer.code])
    kind = Kind.DEBIT if part.covered > 0 else Kind.CREDIT
    series = CorrectionNote.objects.filter(issuer=issuer, kind=kind).order_by("-sequence")
    last = series.values_list("sequence", flat=True).first() or 0
    seller, buyer = (
        {name: value for name, value in asdict(one).items() if name in _NAMED}
        for one in parties_of(bill)
    )
    return CorrectionNote.objects.create(
        issuer=issuer,
        kind=kind,
        sequence=last + 1,
        number=f"{PREFIXES[kind]}-{issuer.code}-{last + 1:0{DIGITS}}",
        bill=bill,
        amount=abs(part.covered),
        seller=seller,
        buyer=buyer,
        issued_at=act.at,
        act_id=act.id,
    )


def _part_of(bill: Bill, act: Act) -> InvoicePart | None:
    return next((one for one in invoice_parts(bill) if one.act_id == act.id), None)
