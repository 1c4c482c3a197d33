"""A target letter with its two sides, and its assessment."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.cast.basics import a_key
from tests.cast.people import an_sme, make_authority, make_provider
from tests.cast.programmes import make_programme
from tests.cast.vouchers import Scene, an_issued_voucher
from vouchers import actions
from vouchers.models import Assessment

M7 = "cn-qingyang-2025"
_SCHEMES = Path(__file__).parents[1] / "policy" / "schemes"
PAYS_SUPPLY = (_SCHEMES / f"{M7}.toml").read_text("utf-8")
PAYS_DEMAND = PAYS_SUPPLY.replace('payee = "PROVIDER"', 'payee = "BENEFICIARY"')

TARGET_BUDGET = 10_000_000_00
TARGET_AWARD = 1_000_000_00
YEARS_END = datetime(2025, 12, 31, 9, tzinfo=UTC)


def a_target(text: str = PAYS_SUPPLY) -> Scene:
    """Return a scene with a letter of 1,000,000.00: a tenth of a contract of ten million.

    5,000 PFLOPS earn all of it, 2,500 half, less nothing.
    """
    authority = make_authority()
    seller = make_provider(authority)
    scheme = make_programme(authority, M7, text=text, budget=TARGET_BUDGET)
    applicant = an_sme(region="CN-6210")
    code = seller.organisation.code
    voucher = an_issued_voucher(scheme, applicant, fee_total="10000000.00", provider_code=code)
    return Scene(authority, seller, scheme, applicant, voucher)


def an_assessment(scene: Scene, figure: str | Decimal = "4000", **more: Any) -> Assessment:
    """Return what a third party found at the year's end, recorded by the second officer."""
    facts = {
        "voucher": scene.voucher,
        "assessor": "Gansu Measurement Institute",
        "figure": Decimal(figure),
        "evidence": "Electricity bills of 2025 and service certificates, report 2025-118",
        "assessed_on": date(2025, 12, 30),
        "actor": scene.authority.second_officer,
        "at": YEARS_END,
        "key": more.pop("key", None) or a_key("assess"),
    }
    return actions.record_assessment(**{**facts, **more})
