"""Fees that are claimed after use, by the side that the law pays, with a proven own share or not."""

from policy.programme import shipped
from tests.cast.matches import M8, a_match_of
from tests.cast.people import Seller, an_sme, make_authority, make_provider
from tests.cast.programmes import make_programme
from tests.cast.vouchers import Scene, an_issued_voucher

M6 = "xx-mode-m6"
FEE, FEE_AWARD, FEE_BUDGET = 200_000_00, 100_000_00, 1_000_000_00


def _paying(text: str, payee: str, *, is_proven: bool) -> str:
    asked = '\nown_share = "PROVEN"' if is_proven else ""
    return text.replace('payee = "BENEFICIARY"', f'payee = "{payee}"{asked}')


def cost_share_law(payee: str = "PROVIDER", *, is_proven: bool = True) -> str:
    """Return a law of shared costs: half of what a year's compute costs, above 50,000."""
    text = shipped()["cn-xiamen-2024"].replace("cn-xiamen-2024", M6)
    return _paying(text.replace('mode = "M1"', 'mode = "M6"'), payee, is_proven=is_proven)


def match_law(payee: str = "PROVIDER", *, is_proven: bool = True) -> str:
    """Return Hangzhou's match of the national voucher, paid to one side."""
    return _paying(shipped()[M8], payee, is_proven=is_proven)


def a_fee(text: str | None = None, *, code: str = M6, seller: Seller | None = None) -> Scene:
    """Return a scene with a voucher of 100,000.00: half of a fee of 200,000.00.

    Unless another law is given, the provider is paid once the own share is proven.
    """
    text = (text or cost_share_law()).replace(M6, code)
    authority = make_authority()
    seller = seller or make_provider(authority)
    scheme = make_programme(authority, code, text=text, budget=FEE_BUDGET)
    applicant = an_sme(region="CN-3502")
    voucher = an_issued_voucher(scheme, applicant, fee_total="200000.00")
    return Scene(authority, seller, scheme, applicant, voucher)


def a_matched_fee(text: str | None = None) -> Scene:
    """Return a scene with a voucher of 120,000.00 that matches 800,000.00 of national fees."""
    authority = make_authority()
    seller, applicant = make_provider(authority), an_sme(region="CN-3301")
    scheme, voucher = a_match_of(authority, applicant, text or match_law())
    return Scene(authority, seller, scheme, applicant, voucher)
