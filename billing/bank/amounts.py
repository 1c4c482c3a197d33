"""Amounts in bank files: decimal text on paper, integer minor units with us, exactly."""

import re
from decimal import Decimal

from common.money import CURRENCY_EXPONENTS, major

AMOUNT_DIGITS_MAX = 18
_AMOUNT = re.compile(r"\d{1,18}(\.\d{1,17})?", re.ASCII)
# The currencies of ISO 4217, list one, whose minor unit is a hundredth, and the others': an
# account may hold entries of any, though no programme pays in them.
_HUNDREDTHS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN "
    "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
    "TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW"
)
_WHOLES = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
EXPONENTS = {
    **dict.fromkeys(_HUNDREDTHS.split(), 2),
    **dict.fromkeys(_WHOLES.split(), 0),
    **dict.fromkeys(_THOUSANDTHS.split(), 3),
    **CURRENCY_EXPONENTS,
}


def amount_text(amount_minor: int, currency: str) -> str:
    """Return an amount as ISO 20022 writes it: with the currency's decimals, and no sign."""
    return f"{major(amount_minor, currency):f}"


def major_of_any(amount_minor: int, currency: str) -> Decimal:
    """Return an amount of any currency in its whole units, exactly."""
    return Decimal(amount_minor).scaleb(-EXPONENTS.get(currency, 0))


def amount_of_any(amount_minor: int, currency: str) -> str:
    """Return an amount of any currency for a person to read: its decimals, and its code."""
    return f"{major_of_any(amount_minor, currency):,f} {currency}"


def minor_units(text: str, currency: str) -> int | None:
    """Return the minor units that a text means, or None if it means no exact number of them."""
    places = EXPONENTS.get(currency)
    if places is None or not _AMOUNT.fullmatch(text):
        return None
    whole, _point, decimals = text.partition(".")
    decimals = decimals.rstrip("0")
    if len(whole) + len(decimals) > AMOUNT_DIGITS_MAX or len(decimals) > places:
        return None
    return int(Decimal(f"{whole}.{decimals or 0}").scaleb(places))
