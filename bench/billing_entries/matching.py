"""Reading a bank's statement and matching it, at two sizes: a line costs no more among many."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from bench.ground import Database, Ground
from bench.registry import Pair, Sample, entry
from billing import actions
from billing.bank.demo_bank import statement_for
from billing.bank.pain001 import Instruction, credit_transfer_file
from billing.bank.party import AccountNumber, Party
from billing.models import BankLine, Batch, Payment
from ledger import actions as ledger
from ledger.actions import Move, begin
from ledger.kinds import AccountKind, ActKind, Flow
from parties import actions as parties
from parties.models import User
from tests import cast

LINES, FEWER = 45_000, 4_500
OWN = "6222000099999999"
LATER = datetime(2025, 7, 2, 9, tzinfo=UTC)
# Of each hundred payments: one comes back, one is booked with another amount, one is not booked.
EVERY = 100
RETURNED, CHANGED, LEFT_OUT = 7, 8, 9


@dataclass(frozen=True, slots=True)
class _Stage:
    """A database in which a batch was sent, the bank's statement on it, and what is true."""

    database: Database
    officer: int
    data: bytes
    lines: int
    confirmed: frozenset[str]
    returned: frozenset[str]


@entry(
    must=0.67,
    aim=0.9,
    unit="lines/s",
    rows=LINES,
    subject="read_statement of a camt.053 of 45,000 payments: read, matched, moved, kept",
    reference="the same of 4,500",
    at_least={"precision": 0.999, "recall": 1},
)
def match_statement_45k(ground: Ground) -> Iterator[Pair]:
    """Match many lines, beside a tenth of them; each run says how many matches are right."""
    with ExitStack() as scene:
        fewer = _staged(ground, scene, ground.pick(FEWER, 100))
        many = _staged(ground, scene, ground.pick(LINES, 300))
        yield Pair(lambda: _measured(ground, many), lambda: _measured(ground, fewer))


def _staged(ground: Ground, scene: ExitStack, count: int) -> _Stage:
    database = scene.enter_context(ground.database())
    made = cast.make_scene(cast.M3)
    _open_own_account(made.authority)
    payments = _send(made, count)
    numbers = [one.end_to_end_id for one in payments]
    confirmed, returned = set(numbers), set(numbers[RETURNED::EVERY])
    left_out, changed = set(numbers[LEFT_OUT::EVERY]), set(numbers[CHANGED::EVERY])
    account = AccountNumber(OWN)
    file = credit_transfer_file(
        message_id="BENCH",
        created_at=LATER,
        execution_on=LATER.date(),
        debtor=Party("Authority", account),
        payments=[
            Instruction(one.end_to_end_id, one.amount, one.unit, Party("Payee", account))
            for one in payments
        ],
        batch_id="BENCH",
    )
    data = statement_for(
        file,
        statement_id="BENCH",
        created_at=LATER,
        booked_on=LATER.date(),
        returned=dict.fromkeys(returned, "AC04"),
        left_out=left_out,
        amounts={
            one.end_to_end_id: one.amount + 1
            for one in payments
            if one.end_to_end_id in changed
        },
    )
    lines = len(payments) - len(left_out) + len(returned)
    officer = made.authority.finance[0].pk
    confirmed -= left_out | changed
    return _Stage(database, officer, data, lines, frozenset(confirmed), frozenset(returned))


def _open_own_account(authority: cast.Authority) -> None:
    """Give an authority a bank detail to pay from."""
    detail = parties.propose_bank_detail(
        organisation=authority.organisation,
        scheme="OTHER",
        number=OWN,
        agent="BKCHCNBJ",
        holder=authority.organisation.name,
        actor=authority.finance[1],
        at=cast.NOON,
        key="own",
    )
    parties.approve_bank_detail(
        bank_detail=detail, actor=authority.finance[2], at=cast.NOON, key="own approved"
    )


@transaction.atomic
def _send(made: cast.Scene, count: int) -> list[Payment]:
    """Write a batch of so many payments as it stands once it is sent, each from its payable."""
    programme, people = made.scheme.programme, made.authority.finance
    act = begin(
        kind=ActKind.RELEASE_BATCH,
        key="bench",
        actor=people[2].address,
        about="batch:BENCH",
        at=LATER,
        payload={},
    )
    clearing = programme.account("clearing", "BENCH")
    payables = [programme.account("provider_payable", f"BENCH-{n}") for n in range(count)]
    ledger.open_account(act, clearing, AccountKind.CLEARING, programme.unit)
    ledger.open_accounts(act, payables, AccountKind.PROVIDER_PAYABLE, programme.unit)
    amounts = [100 + number % 997 for number in range(count)]
    voucher = programme.account("voucher", made.voucher.code)
    ledger.post(
        act,
        [Move(Flow.ISSUE, programme.account("available"), voucher, sum(amounts))],
    )
    due = list(zip(payables, amounts, strict=True))
    ledger.post(act, [Move(Flow.REDEEM, voucher, one, amount) for one, amount in due])
    ledger.post(act, [Move(Flow.INSTRUCT, one, clearing, amount) for one, amount in due])
    batch = Batch.objects.create(
        code="BENCH",
        programme=programme,
        total=sum(amounts),
        status=Batch.Status.OPEN,
        prepared_by=people[0],
        prepared_at=LATER - timedelta(days=1),
        act_id=act.id,
    )
    detail = made.seller.organisation.bank_details.get()
    payments = Payment.objects.bulk_create(
        [
            Payment(
                batch=batch,
                payee=made.seller.organisation,
                payable=payable,
                bank_detail=detail,
                amount=amount,
                unit=programme.unit,
                end_to_end_id=f"BENCH-{number:05}",
                status=Payment.Status.SENT,
            )
            for number, (payable, amount) in enumerate(due, start=1)
        ],
        batch_size=5_000,
    )
    _pass_stages(batch, people)
    return payments


def _pass_stages(batch: Batch, people: Sequence[User]) -> None:
    """Take a batch through its stages, each as another person leaves it."""
    rows = Batch.objects.filter(pk=batch.pk)
    rows.update(status=Batch.Status.LOCKED)
    rows.update(status=Batch.Status.APPROVED, approved_by=people[1], approved_at=LATER)
    rows.update(status=Batch.Status.RELEASED, released_by=people[2], released_at=LATER)


def _measured(ground: Ground, made: _Stage) -> Sample:
    with ground.database(template=made.database):
        ground.settle()
        person = User.objects.get(pk=made.officer)
        start = time.perf_counter()
        statement = actions.read_statement(
            name="bench.xml", data=made.data, actor=person, at=LATER, key="bench"
        )
        seconds = time.perf_counter() - start
        seen = _truth(made, statement.pk)
    return Sample(round(made.lines / seconds, 1), {"seconds": round(seconds, 3), **seen})


def _truth(made: _Stage, statement: int) -> dict[str, float]:
    """Return which part of the matches is right, and which part of what is true was matched."""
    lines = BankLine.objects.filter(statement=statement)
    if lines.count() != made.lines:
        raise RuntimeError(f"Of {made.lines} entries these were kept: {lines.count()}")
    matched = lines.filter(payment__isnull=False, match__in=["PAID", "RETURNED"])
    found = [
        (match, told, named)
        for match, told, named in matched.values_list(
            "match", "end_to_end_id", "payment__end_to_end_id"
        )
    ]
    true = {"PAID": made.confirmed, "RETURNED": made.returned}
    right = sum(told == named and told in true[match] for match, told, named in found)
    wanted = len(made.confirmed) + len(made.returned)
    return {
        "precision": right / len(found) if found else 0.0,
        "recall": right / wanted,
    }
