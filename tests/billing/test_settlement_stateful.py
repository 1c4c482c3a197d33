"""Used, billed, objected to, settled, corrected, paid, returned, closed: in whatever order, every
promise of docs/ledger.md holds after each step, and what is refused moves nothing."""

import os
from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from billing import actions
from billing.models import Batch, Bill, BillLine, ClosedPeriod, Payment, Settlement, Verdict
from billing.queries import lines_with_verdicts, totals_of
from billing.queries.traced import parts_owed, parts_paid
from common.errors import Refused
from ledger.kinds import TransferKind
from ledger.queries import acts_found, balances, hold_remaining, statement, transfers_of
from tests import cast
from tests.billing import stage

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SETTINGS = settings(
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
PLACE = st.integers(0, 3)


class Month(RuleBasedStateMachine):
    """One programme, one provider, two orders under one voucher, and three finance officers."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.scene = cast.make_scene(cast.M3)
        stage.an_own_account(self.scene.authority)
        self.orders = [
            cast.a_hold(
                self.scene.voucher,
                self.scene.applicant,
                self.scene.seller,
                provider_reference=f"queue-{number}",
            )
            for number in range(2)
        ]
        self.programme = self.scene.scheme.programme
        self.seller = self.scene.seller.organisation.code
        self.count = 0
        self.corrected = 0
        self.issued = self.net("voucher", self.scene.voucher.code)

    def teardown(self):
        stage.assert_in_step()
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def net(self, kind, *more):
        address = self.programme.account(kind, *more)
        found = balances([address])
        return found[address].net if found else 0

    def everything(self):
        """Return each account's figures, and how many rows say what happened."""
        found = balances(
            address
            for kind in ("voucher", "provider_payable", "paid", "clearing", "available")
            for address in self.addresses(kind)
        )
        tables = (Bill, BillLine, Verdict, Settlement, Batch, Payment, ClosedPeriod)
        return found, [model.objects.count() for model in tables]

    def addresses(self, kind):
        names = {
            "voucher": [self.scene.voucher.code],
            "provider_payable": [self.seller],
            "paid": [self.seller],
            "clearing": list(self.programme.batches.values_list("code", flat=True)),
        }
        if kind == "available":
            return [self.programme.account(kind)]
        return [self.programme.account(kind, name) for name in names[kind]]

    def attempt(self, act):
        """Do something; where it is refused, nothing has moved."""
        self.count += 1
        before = self.everything()
        try:
            with transaction.atomic():
                act(f"{self.count}")
        except Refused:
            assert self.everything() == before

    def pick(self, found, place):
        rows = list(found)
        return rows[place % len(rows)] if rows else None

    # --- what people do ---

    @rule(order=st.integers(0, 1), hours=st.integers(1, 40))
    def use(self, order, hours):
        def act(name):
            started = stage.START + timedelta(hours=self.count)
            job = stage.a_record(
                self.orders[order].code, f"job-{name}", hours=hours, started=started
            )
            stage.record(self.scene.seller, job)

        self.attempt(act)

    @rule()
    def bill_everything(self):
        self.attempt(lambda name: stage.bill(self.scene, invoice=f"I-{name}"))

    @rule(
        jobs=st.lists(st.tuples(st.integers(1, 25), st.integers(1, 60)), min_size=1, max_size=3)
    )
    def bill_by_hand(self, jobs):
        lines = [stage.a_line(f"job-{job}", hours=hours) for job, hours in jobs]
        self.attempt(lambda name: stage.bill(self.scene, *lines, invoice=f"I-{name}"))

    @rule(place=PLACE)
    def object_to(self, place):
        line = self.pick(BillLine.objects.filter(bill__status="SENT").order_by("-pk"), place)
        if line is not None:
            self.attempt(
                lambda name: actions.object_to_line(
                    line=line,
                    note="Not ours",
                    actor=self.scene.applicant.person,
                    at=stage.LATER,
                    key=name,
                )
            )

    @rule(place=PLACE)
    def settle(self, place):
        bill = self.pick(Bill.objects.order_by("status", "pk"), place)
        if bill is not None:
            self.attempt(lambda name: stage.settle(bill, key=name))

    @rule(place=PLACE, accept=st.booleans(), part=st.none() | st.integers(0, 1_500_00))
    def decide(self, place, accept, part):
        line = self.pick(
            BillLine.objects.filter(verdicts__outcome__in=["WITHHELD", "REDUCED"])
            .distinct()
            .order_by("-pk"),
            place,
        )
        if line is not None:
            self.attempt(
                lambda name: actions.decide_line(
                    line=line,
                    accept=accept,
                    amount=part,
                    note="Looked at",
                    actor=self.scene.authority.finance[0],
                    at=stage.LATER,
                    key=name,
                )
            )

    @rule(place=PLACE)
    def correct(self, place):
        transfers = [
            one.id
            for act in acts_found("").filter(kind__in=["settle_bill", "decide_line"])
            for one in transfers_of(act.id)
            if one.kind == TransferKind.CAPTURE
        ]
        transfer = self.pick(transfers, place)
        if transfer is None:
            return
        before = self.net("voucher", self.scene.voucher.code)
        self.attempt(
            lambda name: actions.correct_transfer(
                transfer_id=transfer,
                reason="Settled twice",
                actor=self.scene.authority.finance[0],
                at=stage.LATER,
                key=name,
            )
        )
        self.corrected += self.net("voucher", self.scene.voucher.code) - before

    @rule()
    def prepare(self):
        self.attempt(lambda name: stage.prepare(self.scene, key=name))

    @rule(place=PLACE, who=st.integers(0, 2))
    def approve(self, place, who):
        batch = self.pick(Batch.objects.order_by("-pk"), place)
        if batch is not None:
            actor = self.scene.authority.finance[who]
            self.attempt(
                lambda name: actions.approve_batch(
                    batch=batch, actor=actor, at=stage.LATER, key=name
                )
            )

    @rule(place=PLACE, who=st.integers(0, 2))
    def release(self, place, who):
        batch = self.pick(Batch.objects.order_by("-pk"), place)
        if batch is not None:
            actor = self.scene.authority.finance[who]
            self.attempt(
                lambda name: actions.release_batch(
                    batch=batch, actor=actor, at=stage.LATER, key=name
                )
            )

    @rule(place=PLACE, said=st.sampled_from(["paid", "paid", "returned", "short", "nothing"]))
    def bank_answers(self, place, said):
        """The bank pays, pays back (also what it had paid), books another amount, or waits."""
        batch = self.pick(Batch.objects.filter(file__isnull=False).order_by("-pk"), place)
        if batch is None:
            return
        ids = list(batch.payments.values_list("end_to_end_id", flat=True))
        more = {
            "paid": {},
            "returned": {"returned": dict.fromkeys(ids, "AC04")},
            "short": {"amounts": dict.fromkeys(ids, 1)},
            "nothing": {"left_out": ids},
        }[said]
        self.attempt(
            lambda name: stage.read(
                self.scene,
                stage.answer(bytes(batch.file.content), f"S-{name}", **more),
                key=name,
            )
        )

    @rule()
    def propose_to_close(self):
        self.attempt(
            lambda name: actions.propose_period(
                programme=self.programme,
                month=date(2025, 6, 1),
                note="",
                actor=self.scene.authority.finance[1],
                at=stage.LATER,
                key=name,
            )
        )

    @rule()
    def close(self):
        self.attempt(
            lambda name: actions.close_period(
                programme=self.programme,
                month=date(2025, 6, 1),
                actor=self.scene.authority.finance[0],
                at=stage.LATER,
                key=name,
            )
        )

    # --- what holds after each step ---

    @invariant()
    def value_is_where_it_was_put(self):
        out = self.net("provider_payable", self.seller) + self.net("paid", self.seller)
        out += sum(self.net("clearing", one.code) for one in self.programme.batches.all())
        covered = int(Settlement.objects.aggregate(total=Sum("covered"))["total"] or 0)
        assert out == covered - self.corrected
        assert self.net("voucher", self.scene.voucher.code) == self.issued - out

    @invariant()
    def nothing_is_below_nothing(self):
        for one in self.everything()[0].values():
            assert one.free >= 0 or one.address.startswith("paid")
        for order in self.orders:
            assert hold_remaining(order.hold) >= 0

    @invariant()
    def a_batchs_value_is_where_its_payments_stand(self):
        for batch in self.programme.batches.all():
            sums = Counter()
            for one in batch.payments.all():
                sums[one.status] += one.amount
            assert self.net("clearing", batch.code) == sums["SENT"]
        paid = Payment.objects.filter(status="PAID").aggregate(total=Sum("amount"))["total"]
        assert self.net("paid", self.seller) == int(paid or 0)

    @invariant()
    def every_line_is_accounted_for(self):
        seen = {}
        for one in Verdict.objects.order_by("pk").select_related("line"):
            assert one.accepted + one.withheld == one.line.amount
            assert one.covered <= one.accepted
            seen[one.line_id] = one
        for bill in Bill.objects.all():
            totals = totals_of(lines_with_verdicts().filter(bill=bill))
            assert totals.billed == totals.accounted == bill.total
            covered = bill.settlements.aggregate(total=Sum("covered"))["total"]
            assert totals.covered == int(covered or 0)

    @invariant()
    def every_payment_is_made_of_settlements_and_pays_none_twice(self):
        payments = list(
            Payment.objects.exclude(status__in=["CANCELLED", "REMOVED"]).select_related("batch")
        )
        sent = [one for one in payments if one.status != "PREPARED"]
        parts = parts_paid(sent)
        sums = Counter()
        for part in parts:
            sums[part.end_to_end_id] += part.amount
        assert sums == Counter({one.end_to_end_id: one.amount for one in sent})
        standing = {one.end_to_end_id for one in sent if one.status in ("SENT", "PAID", "PART")}
        settlements = {one.pk: one for one in Settlement.objects.all()}
        taken = Counter()
        for part in parts:
            if part.end_to_end_id in standing:
                taken[part.settlement] += part.amount
        assert all(taken[pk] <= settlements[pk].covered for pk in taken)
        # Read from the other end it is the same.
        back = Counter()
        for part in parts_owed(list(settlements.values())):
            if part.end_to_end_id:
                back[part.end_to_end_id, part.settlement] += part.amount
        there = Counter()
        for part in parts:
            there[part.end_to_end_id, part.settlement] += part.amount
        assert back == there

    @invariant()
    def a_closed_month_takes_no_bill(self):
        closed = ClosedPeriod.objects.filter(programme=self.programme).first()
        if closed is not None:
            assert not Bill.objects.filter(pk__in=self.bills_after(closed)).exists()

    def bills_after(self, closed):
        return Bill.objects.filter(act__gt=closed.act_id, programme=self.programme).values("pk")

    @invariant()
    def a_statement_ends_at_its_balance(self):
        address = self.programme.account("provider_payable", self.seller)
        entries = statement(address)
        last = entries[-1].balance if entries else 0
        assert last == self.net("provider_payable", self.seller)


def test_every_promise_of_the_ledger_holds_in_whatever_order_a_month_is_settled(db):
    run_state_machine_as_test(Month, settings=SETTINGS)
