"""Batches of payments by three people, and what the bank says to them."""

from datetime import datetime

from billing import actions
from billing.bank.demo_bank import statement_for
from billing.bank.pain001 import Instruction, credit_transfer_file
from billing.bank.party import AccountNumber, Agent, Party
from billing.models import Batch
from billing.queries import payables_due, payments_of
from config.demo.programmes import CLAIMS, OFFSET
from config.demo.usage import PERIODS
from config.demo.world import Scheme, World
from parties.queries import bank_detail_in_force

PREPARED_AFTER = 10
# On the last days a batch waits at each step.
RELEASED_ON, PREPARED_ON = 270, 272
_RETURNED = "AC04"  # ISO 20022: the account is closed
_LEFT_OUT = "The bank detail is being changed; it goes into the next batch."
_ALIKE = "The same order ran as long in both months."
_CALLED_OFF = "Another claim is settled tomorrow; both are paid together."
_STRANGE_AFTER = 2
_STRANGE_AMOUNT = 123_45


class Treasury:
    """Pays what is due in the programmes that pay money."""

    def __init__(self, world: World, schemes: dict[str, Scheme]) -> None:
        self.world = world
        self.schemes = [schemes[OFFSET], schemes[CLAIMS]]
        self._statements = 0
        self._has_returned: set[str] = set()

    def plan(self) -> None:
        """Plan a batch after each period's bills, and what waits at the end."""
        offset, claims = self.schemes
        for day in PERIODS[1:-1]:
            is_last = day == PERIODS[-2]
            _Run(self, offset).plan(day + PREPARED_AFTER, "APPROVED" if is_last else "CLOSED")
            _Run(self, claims).plan(day + PREPARED_AFTER, "SENT" if is_last else "CLOSED")
        _Run(self, offset).plan(RELEASED_ON, "RELEASED")
        _Run(self, offset).plan(PREPARED_ON, "LOCKED")
        _Run(self, claims).plan(RELEASED_ON, "CANCELLED")
        _Run(self, claims).plan(PREPARED_ON, "OPEN")

    def answer(self, scheme: Scheme, batch: Batch, at: datetime) -> None:
        """Read the bank's statement of a batch; the first one of a programme has a return."""
        payments = sorted(payments_of(batch), key=lambda one: one.payee.name)
        returned = {}
        if scheme.programme.code not in self._has_returned:
            self._has_returned.add(scheme.programme.code)
            returned = {payments[0].end_to_end_id: _RETURNED}
        data = self._statement(bytes(batch.file.content), returned, at)
        batch.refresh_from_db()
        self.world.bank_balance -= batch.total
        self.world.bank_balance += payments[0].amount if returned else 0
        self._read(scheme, data, at)
        if self._statements == _STRANGE_AFTER:
            self._read(scheme, self._strange(scheme, at), at)

    def _statement(self, file: bytes, returned: dict[str, str], at: datetime) -> bytes:
        self._statements += 1
        return statement_for(
            file,
            statement_id=f"DEMO-{self._statements:04}",
            created_at=at,
            booked_on=at.date(),
            opening_minor=self.world.bank_balance,
            returned=returned,
        )

    def _strange(self, scheme: Scheme, at: datetime) -> bytes:
        """Return a statement of a debit that nobody here ordered."""
        own = bank_detail_in_force(scheme.programme.authority, self.world.now)
        assert own is not None
        debtor = Party(own.holder, AccountNumber(own.number), Agent(bic=own.agent))
        charge = Instruction(
            end_to_end_id="BANK-CHARGES-1",
            amount_minor=_STRANGE_AMOUNT,
            currency=scheme.programme.unit,
            creditor=Party("Demo bank, charges", AccountNumber("6222999900000000001")),
            remittance="Account keeping",
        )
        file = credit_transfer_file(
            message_id="BANK-CHARGES",
            created_at=at,
            execution_on=at.date(),
            debtor=debtor,
            payments=[charge],
            batch_id="BANK-CHARGES",
        )
        data = self._statement(file, {}, at)
        self.world.bank_balance -= _STRANGE_AMOUNT
        return data

    def _read(self, scheme: Scheme, data: bytes, at: datetime) -> None:
        actions.read_statement(
            name=f"statement-{self._statements:04}.xml",
            data=data,
            actor=scheme.office.finance[0],
            at=at,
            key=self.world.key(),
        )


class _Run:
    """One batch on its way to the bank and back, as far as it gets."""

    def __init__(self, treasury: Treasury, scheme: Scheme) -> None:
        self.treasury, self.world, self.scheme = treasury, treasury.world, scheme
        self.first, self.second, self.third = scheme.office.finance
        self.batch: Batch | None = None

    def plan(self, day: int, last: str) -> None:
        """Plan the steps of three people on one day, up to the last, and the bank's answer."""
        steps = [
            ("OPEN", day + 0.40, self._prepare),
            *([("", day + 0.42, self._remove)] if last == "CANCELLED" else []),
            *([("CANCELLED", day + 0.45, self._cancel)] if last == "CANCELLED" else []),
            ("LOCKED", day + 0.46, self._lock),
            ("APPROVED", day + 0.50, self._approve),
            ("RELEASED", day + 0.60, self._release),
            ("SENT", day + 0.65, self._hand_over),
            ("CLOSED", day + 2.45, self._answer),
        ]
        for status, when, step in steps:
            self.world.plan_on(when, step)
            if status == last:
                return

    def _prepare(self, at: datetime) -> None:
        if payables_due(self.scheme.programme):
            self.batch = actions.prepare_batch(
                programme=self.scheme.programme,
                actor=self.first,
                at=at,
                key=self.world.key(),
            )

    def _remove(self, at: datetime) -> None:
        """Take a payment out of a batch."""
        if self.batch:
            actions.remove_payment(
                payment=payments_of(self.batch)[0],
                note=_LEFT_OUT,
                actor=self.first,
                at=at,
                key=self.world.key(),
            )

    def _lock(self, at: datetime) -> None:
        if self.batch:
            actions.lock_batch(batch=self.batch, actor=self.first, at=at, key=self.world.key())

    def _cancel(self, at: datetime) -> None:
        if self.batch:
            actions.cancel_batch(
                batch=self.batch,
                note=_CALLED_OFF,
                actor=self.second,
                at=at,
                key=self.world.key(),
            )

    def _approve(self, at: datetime) -> None:
        if self.batch:
            actions.approve_batch(
                batch=self.batch,
                actor=self.second,
                at=at,
                key=self.world.key(),
                reasons={one.end_to_end_id: _ALIKE for one in payments_of(self.batch)},
            )

    def _release(self, at: datetime) -> None:
        if self.batch:
            actions.release_batch(
                batch=self.batch, actor=self.third, at=at, key=self.world.key()
            )

    def _hand_over(self, at: datetime) -> None:
        if self.batch:
            actions.hand_over_batch(
                batch=self.batch, actor=self.first, at=at, key=self.world.key()
            )

    def _answer(self, at: datetime) -> None:
        if self.batch:
            self.treasury.answer(self.scheme, self.batch, at)
