"""A batch's figures as each paper says them: bank file, statement, ledger, bills."""

from collections import Counter
from decimal import Decimal

from django.db.models import Sum
from lxml import etree

from billing.models import BankLine, BankStatement, Settlement
from billing.queries.traced import parts_paid
from ledger.kinds import Flow, TransferKind
from ledger.queries import acts_about, transfers_of


def _texts(content, path):
    root = etree.fromstring(bytes(content))
    return [one.text for one in root.iterfind(path.replace("{}", f"{{{root.nsmap[None]}}}"))]


def cents(text):
    minor = Decimal(text) * 100
    assert minor == int(minor)
    return int(minor)


def told_by_the_bank_file(batch):
    """Return what pain.001 orders, by end-to-end id, in minor units; its sums must be theirs."""
    content = batch.file.content
    ids = _texts(content, ".//{}PmtId/{}EndToEndId")
    amounts = [cents(one) for one in _texts(content, ".//{}Amt/{}InstdAmt")]
    sums = {cents(one) for one in _texts(content, ".//{}CtrlSum")}
    assert sums == {sum(amounts)}
    assert {int(one) for one in _texts(content, ".//{}NbOfTxs")} == {len(ids)}
    return dict(zip(ids, amounts, strict=True))


def told_by_the_statements(batch):
    """Return what camt.053 books of a batch, by end-to-end id: what went out, less what came back."""
    found = Counter()
    statements = BankStatement.objects.filter(lines__payment__batch=batch).distinct()
    for statement in statements:
        root = etree.fromstring(bytes(statement.content))
        ns = f"{{{root.nsmap[None]}}}"
        for entry in root.iter(f"{ns}Ntry"):
            amount = cents(entry.find(f"{ns}Amt").text)
            name = entry.find(f".//{ns}EndToEndId").text
            is_out = entry.find(f"{ns}CdtDbtInd").text == "DBIT"
            if name.startswith(batch.code):
                found[name] += amount if is_out else -amount
    return dict(found)


def told_by_the_ledger(batch):
    """Return what the ledger instructed and what it says was paid, by end-to-end id."""
    instructed, paid = Counter(), Counter()
    for act in acts_about(batch.address):
        for one in transfers_of(act.id):
            sign = -1 if one.kind == TransferKind.REVERSE else 1
            if one.flow == Flow.INSTRUCT:
                instructed[one.ref] += sign * one.amount
            elif one.flow == Flow.PAY:
                paid[one.ref] += sign * one.amount
    return dict(instructed), {name: amount for name, amount in paid.items() if amount}


def told_by_the_lines(batch):
    """Return what the pages show of the bank's entries, by end-to-end id."""
    found = Counter()
    for line in BankLine.objects.filter(payment__batch=batch).exclude(match="ANSWERED"):
        found[line.end_to_end_id] += -line.amount if line.is_credit else line.amount
    return dict(found)


def told_by_the_settlements(batch):
    """Return what bills were settled for, as far as each payment pays it."""
    found = Counter()
    for part in parts_paid(list(batch.payments.select_related("batch"))):
        found[part.end_to_end_id] += part.amount
    return dict(found)


def all_papers_say_the_same(batch):
    """Say that bill, ledger, pain.001, camt.053 and statement page agree to the cent."""
    ordered = {one.end_to_end_id: one.amount for one in batch.payments.all()}
    instructed, paid = told_by_the_ledger(batch)
    answered = {one.end_to_end_id: one.status for one in batch.payments.all()}
    is_paid = {name: ordered[name] * (answered[name] == "PAID") for name in ordered}

    assert told_by_the_bank_file(batch) == ordered
    assert instructed == ordered
    assert told_by_the_settlements(batch) == ordered
    assert told_by_the_statements(batch) == told_by_the_lines(batch) == is_paid
    assert paid == {name: amount for name, amount in is_paid.items() if amount}
    assert sum(ordered.values()) == batch.total
    return batch.total


def covered_of(bills):
    """Return what bills were settled for."""
    total = Settlement.objects.filter(bill__in=bills).aggregate(total=Sum("covered"))["total"]
    return int(total or 0)
