"""What banks mean by their codes when they reject or return a payment.

The codes are those of ISO 20022's external code sets, "External Status Reason" and "External
Return Reason", as far as banks use them for credit transfers.
"""

from typing import Any

from django.utils.translation import gettext_lazy as _

# fmt: off
CODES: dict[str, Any] = {
    "AC01": _("The account number is wrong"),
    "AC02": _("The paying account's number is wrong"),
    "AC03": _("The payee's account number is wrong"),
    "AC04": _("The account is closed"),
    "AC05": _("The paying account is closed"),
    "AC06": _("The account is blocked"),
    "AC07": _("The payee's account is closed"),
    "AC13": _("The paying account is of a kind that this payment can't use"),
    "AC14": _("The payee's account is of a kind that this payment can't use"),
    "AG01": _("This payment is forbidden on this kind of account"),
    "AG02": _("The bank's operation code is wrong"),
    "AM01": _("The amount is nothing"),
    "AM02": _("The amount is above what is allowed"),
    "AM03": _("The currency can't be used"),
    "AM04": _("There is not enough money in the account"),
    "AM05": _("The bank takes it for a duplicate"),
    "AM09": _("The amount is not the one agreed"),
    "AM10": _("The sum of the file is wrong"),
    "BE01": _("The name does not go with the account"),
    "BE04": _("The payee's address is missing or wrong"),
    "BE05": _("The bank does not know who sent it"),
    "BE06": _("The bank does not know the payee"),
    "BE07": _("The payer's address is missing"),
    "CNOR": _("The payee's bank can't be reached"),
    "CUST": _("The payer or the payee asked for it"),
    "DNOR": _("The paying bank can't be reached"),
    "DT01": _("A date is wrong"),
    "DU01": _("The message's id was used before"),
    "DU02": _("The batch's id was used before"),
    "DUPL": _("It is a duplicate"),
    "ED05": _("The settlement failed"),
    "FF01": _("The file's form is wrong"),
    "FOCR": _("The payer asked for it back"),
    "FR01": _("The bank suspects fraud"),
    "MD07": _("The payee has died"),
    "MS02": _("The payee gave no reason"),
    "MS03": _("The bank gave no reason"),
    "NARR": _("The bank says it in words"),
    "RC01": _("The bank's code is wrong"),
    "RC04": _("The code of the payee's bank is wrong"),
    "RF01": _("The reference was used before"),
    "RR01": _("The payer's account or id is missing"),
    "RR02": _("The payer's name or address is missing"),
    "RR03": _("The payee's name or address is missing"),
    "RR04": _("A rule of a regulator forbids it"),
    "TM01": _("It came after the bank's closing time"),
    "TECH": _("A technical problem at the bank"),
}
# fmt: on


def code_words(code: str) -> str:
    """Return what a bank's code means with the code, in the language of the moment."""
    if not code:
        return ""
    words = CODES.get(code)
    if words is None:
        return str(_("The bank's code %(code)s")) % {"code": code}
    return f"{words} ({code})"
