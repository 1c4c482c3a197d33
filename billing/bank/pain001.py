"""Customer credit transfers, `pain.001`: the file that goes to the bank, in two versions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.utils.translation import gettext_lazy as _
from stdnum import bic, iban, iso11649

from billing.bank.amounts import AMOUNT_DIGITS_MAX, amount_text
from billing.bank.party import AccountNumber, Agent, Party
from billing.bank.xml import BankFileInvalid, Element, add, new_document, written
from common.money import is_currency

MESSAGE = "pain.001.001.09"
# Version 3 (2009), which many banks still ask for, differs in what is used here in two places only:
# the day stands without a choice of day or instant, and the bank's code is called BIC.
FORMER = "pain.001.001.03"
MESSAGES = (MESSAGE, FORMER)
ID_CHARACTERS_MAX = 35
NAME_CHARACTERS_MAX = 140
ACCOUNT_CHARACTERS_MAX = 34
# What every bank takes in an identifier (SWIFT's set x); names may be in any script.
_ID = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]+")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class FieldMissing(BankFileInvalid):
    """Something that the bank needs and that is empty."""

    code = "bank_field_missing"
    sentence = _("%(field)s is empty. Fill it in.")


class FieldTooLong(BankFileInvalid):
    """More characters than the message has room for."""

    code = "bank_field_too_long"
    sentence = _("%(field)s has %(length)s characters; the bank takes %(most)s: “%(value)s”.")


class FieldUnwritable(BankFileInvalid):
    """Characters that the message cannot carry."""

    code = "bank_field_unwritable"
    sentence = _("%(field)s contains characters that the bank does not take: “%(value)s”.")


class AccountInvalid(BankFileInvalid):
    """An account number, bank code or reference whose check digits are wrong."""

    code = "bank_account_invalid"
    sentence = _("%(field)s is not valid: “%(value)s”. Check it with the payee.")


class AmountUnpayable(BankFileInvalid):
    """An amount that is nothing, less than nothing, or longer than the message takes."""

    code = "bank_amount_unpayable"
    sentence = _(
        "%(field)s cannot be paid: %(value)s. It must be above 0 and at most 18 digits."
    )


class NothingToPay(BankFileInvalid):
    """A file without a payment."""

    code = "bank_nothing_to_pay"
    sentence = _("There is no payment to put into the file.")


class IdRepeated(BankFileInvalid):
    """Two payments under one end-to-end id, which the bank could not tell apart."""

    code = "bank_id_repeated"
    sentence = _("Two payments carry the end-to-end id “%(value)s”. Each needs its own.")


class CurrencyUnpayable(BankFileInvalid):
    """A currency that is not that of the file, or that no programme uses."""

    code = "bank_currency_unpayable"
    sentence = _("%(field)s is %(value)s; this file pays in %(expected)s.")


@dataclass(frozen=True, slots=True)
class CreditorReference:
    """A structured reference of ISO 11649, which begins with RF and two check digits."""

    number: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payment: an integer of minor units to one creditor."""

    end_to_end_id: str
    amount_minor: int
    currency: str
    creditor: Party
    remittance: str | CreditorReference = ""


def credit_transfer_file(
    *,
    message_id: str,
    created_at: datetime,
    execution_on: date,
    debtor: Party,
    payments: Sequence[Instruction],
    batch_id: str,
    message: str = MESSAGE,
) -> bytes:
    """Write a payment file of one batch from one account, in one currency.

    Sums are of integers; the file has passed its schema. Names keep their script, runs of
    blanks in them become one. The same arguments give the same bytes.

    :param message: one of `MESSAGES`.
    :raises NothingToPay: if there are no payments.
    :raises FieldMissing: if an id, a name or an account is empty.
    :raises FieldTooLong: naming the field.
    :raises FieldUnwritable: if an id leaves SWIFT's character set, or a text has control codes.
    :raises AccountInvalid: if an IBAN, a BIC or an RF reference fails its check.
    :raises AmountUnpayable: if an amount is not above 0, or too long.
    :raises CurrencyUnpayable: if the currencies differ, or no programme uses one.
    :raises IdRepeated: if two payments have one end-to-end id.
    :raises BankFileInvalid: if the schema finds anything else.
    """
    _require_distinct(payments)
    currency = _require_currency(payments)
    count = str(len(payments))
    total = _amount("CtrlSum", sum(payment.amount_minor for payment in payments), currency)

    root = new_document(message)
    initiation = add(root, "CstmrCdtTrfInitn")
    header = add(initiation, "GrpHdr")
    add(header, "MsgId", _id("MsgId", message_id))
    add(header, "CreDtTm", f"{created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    add(header, "NbOfTxs", count)
    add(header, "CtrlSum", total)
    add(header, "InitgPty/Nm", _name("InitgPty/Nm", debtor.name))

    batch = add(initiation, "PmtInf")
    add(batch, "PmtInfId", _id("PmtInfId", batch_id))
    add(batch, "PmtMtd", "TRF")
    add(batch, "NbOfTxs", count)
    add(batch, "CtrlSum", total)
    day = "ReqdExctnDt" if message == FORMER else "ReqdExctnDt/Dt"
    add(batch, day, execution_on.isoformat())
    add(batch, "Dbtr/Nm", _name("Dbtr/Nm", debtor.name))
    _add_account(batch, "DbtrAcct", debtor.account)
    bic_tag = "BIC" if message == FORMER else "BICFI"
    _add_agent(batch, "DbtrAgt", debtor.agent, bic_tag)
    for payment in payments:
        _add_payment(batch, payment, bic_tag)
    return written(root, message)


def _require_distinct(payments: Sequence[Instruction]) -> None:
    if not payments:
        raise NothingToPay
    seen: set[str] = set()
    for payment in payments:
        if payment.end_to_end_id in seen:
            raise IdRepeated(value=payment.end_to_end_id)
        seen.add(payment.end_to_end_id)


def _require_currency(payments: Sequence[Instruction]) -> str:
    currency = payments[0].currency
    for number, payment in enumerate(payments, start=1):
        if payment.currency != currency or not is_currency(currency):
            field = f"CdtTrfTxInf[{number}]/Amt/InstdAmt"
            raise CurrencyUnpayable(field=field, value=payment.currency, expected=currency)
    return currency


def _add_payment(batch: Element, payment: Instruction, bic_tag: str) -> None:
    end_to_end_id = _id("EndToEndId", payment.end_to_end_id)
    where = f"CdtTrfTxInf {end_to_end_id}: "
    transfer = add(batch, "CdtTrfTxInf")
    add(transfer, "PmtId/EndToEndId", end_to_end_id)
    amount = _amount(where + "InstdAmt", payment.amount_minor, payment.currency)
    add(transfer, "Amt/InstdAmt", amount, Ccy=payment.currency)
    _add_agent(transfer, "CdtrAgt", payment.creditor.agent, bic_tag, where)
    add(transfer, "Cdtr/Nm", _name(where + "Cdtr/Nm", payment.creditor.name))
    _add_account(transfer, "CdtrAcct", payment.creditor.account, where)
    _add_remittance(transfer, payment.remittance, where)


def _add_account(parent: Element, tag: str, account: AccountNumber, where: str = "") -> None:
    field = where + tag
    if account.kind == "IBAN":
        if not iban.is_valid(account.number):
            raise AccountInvalid(field=field, value=account.number)
        add(parent, f"{tag}/Id/IBAN", iban.compact(account.number))
    else:
        number = _text(field, account.number, ACCOUNT_CHARACTERS_MAX)
        add(parent, f"{tag}/Id/Othr/Id", number)


def _add_agent(parent: Element, tag: str, agent: Agent, bic_tag: str, where: str = "") -> None:
    institution = add(parent, f"{tag}/FinInstnId")
    if agent.bic:
        if not bic.is_valid(agent.bic):
            raise AccountInvalid(field=f"{where}{tag}/{bic_tag}", value=agent.bic)
        add(institution, bic_tag, bic.compact(agent.bic))
    if agent.clearing_code:
        member = add(institution, "ClrSysMmbId")
        if agent.clearing_system:
            add(
                member, "ClrSysId/Cd", _text(f"{where}{tag}/ClrSysId", agent.clearing_system, 5)
            )
        add(member, "MmbId", _id(f"{where}{tag}/MmbId", agent.clearing_code))
    if agent.name:
        add(institution, "Nm", _name(f"{where}{tag}/Nm", agent.name))
    if not len(institution):
        # What banks agreed to read as "the account says which bank".
        add(institution, "Othr/Id", "NOTPROVIDED")


def _add_remittance(transfer: Element, remittance: str | CreditorReference, where: str) -> None:
    if isinstance(remittance, CreditorReference):
        if not iso11649.is_valid(remittance.number):
            raise AccountInvalid(field=f"{where}CdtrRefInf/Ref", value=remittance.number)
        reference = add(transfer, "RmtInf/Strd/CdtrRefInf")
        kind = add(reference, "Tp")
        add(kind, "CdOrPrtry/Cd", "SCOR")
        add(kind, "Issr", "ISO")
        add(reference, "Ref", iso11649.compact(remittance.number))
    elif remittance.strip():
        add(transfer, "RmtInf/Ustrd", _name(f"{where}RmtInf/Ustrd", remittance))


def _amount(field: str, amount_minor: int, currency: str) -> str:
    if not 0 < amount_minor < 10**AMOUNT_DIGITS_MAX:
        raise AmountUnpayable(field=field, value=amount_minor)
    return amount_text(amount_minor, currency)


def _id(field: str, value: str) -> str:
    text = _text(field, value, ID_CHARACTERS_MAX)
    if text != value or not _ID.fullmatch(text):
        raise FieldUnwritable(field=field, value=value)
    return text


def _name(field: str, value: str) -> str:
    return _text(field, value, NAME_CHARACTERS_MAX)


def _text(field: str, value: str, most: int) -> str:
    text = " ".join(value.split())
    if not text:
        raise FieldMissing(field=field)
    if _UNWRITABLE.search(text):
        raise FieldUnwritable(field=field, value=ascii(text))
    if len(text) > most:
        raise FieldTooLong(field=field, length=len(text), most=most, value=text)
    return text
