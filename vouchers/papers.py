"""Papers to print: a voucher as a PDF, in the language of who reads it."""

from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from common.formatting import day_text, money
from common.papers import pdf
from common.qr_codes import qr_svg
from vouchers.models import Voucher

FOLDER = Path(__file__).parent
TEMPLATE = FOLDER / "paper" / "voucher.typ"


def voucher_paper(voucher: Voucher) -> bytes:
    """Return a voucher as a PDF for print and screen readers (PDF/UA-1).

    It carries the redemption code, in letters and as a QR code: whoever has the paper can have
    the voucher redeemed.
    """
    values = {"voucher": voucher.code}
    content: dict[str, Any] = {
        "title": _("Voucher %(voucher)s") % values,
        "programme": voucher.programme.title_here,
        "authority": voucher.programme.authority.name_here,
        "rows": [
            [_("Holder"), voucher.organisation.name_here],
            [_("Issued for"), money(voucher.amount, voucher.unit)],
            [_("Valid from"), day_text(voucher.valid_from_on)],
            [_("Last day"), day_text(voucher.valid_until_on)],
            [_("Redemption code"), voucher.redemption_code],
        ],
        "qr": qr_svg(voucher.redemption_code).decode(),
        "qr_alt": _("Redemption code as a QR code"),
        "note": _(
            "Treat this paper like cash: whoever has the redemption code can set value of this "
            "voucher aside. What is left of it stands in the portal."
        ),
    }
    return pdf(TEMPLATE, content)
