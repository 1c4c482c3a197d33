"""Papers to print: a voucher as a PDF, in the language of who reads it."""

import json
from pathlib import Path
from typing import Any

import typst
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from common.formatting import day_text, money
from common.qr_codes import qr_svg
from vouchers.models import Voucher

FOLDER = Path(__file__).parent
TEMPLATE = FOLDER / "paper" / "voucher.typ"
FONTS = FOLDER / "fonts"


def voucher_paper(voucher: Voucher) -> bytes:
    """Return a voucher as a PDF for print and screen readers (PDF/UA-1).

    It carries the redemption code, in letters and as a QR code: whoever has the paper can have
    the voucher redeemed.
    """
    values = {"voucher": voucher.code}
    content: dict[str, Any] = {
        "language": "zh" if get_language() == "zh-hans" else "en",
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
    made: bytes = typst.compile(
        TEMPLATE,
        font_paths=[FONTS],
        sys_inputs={"content": json.dumps(content)},
        pdf_standards=["ua-1"],
    )
    return made
