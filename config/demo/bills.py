"""Bills and claims, some of them with something wrong, and the daily settlement."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

from billing import actions
from billing.models import Bill
from billing.queries import BillLineInput, bills_to_settle, price_of
from common.days import start_of
from config.demo.programmes import CLAIMS, OFFSET
from config.demo.usage import PERIODS, usage_key
from config.demo.world import Applicant, Job, Scheme, Shop, World
from ledger.actions import SYSTEM
from providers.queries import price_in_force
from vouchers.models import Voucher

SENT_AFTER = 3
# The last period's bills come on these days, and the very last one just before the end.
LAST_DAYS = (269, 269, 271)
LAST_MINUTES = timedelta(minutes=30)
_LINES_LEAST = 4
_CLAIMS_BEFORE_REPEAT = 6
_NOTES = {
    "objected": "These jobs ran for another project; we didn't order them.",
    "declined": "The meter was checked with the provider: the time was not used.",
    "accepted": "The provider's node log shows the missing hours, so the line is paid in full.",
}


class Billing:
    """Sends what providers and holders send, and settles it the morning after."""

    def __init__(self, world: World, schemes: dict[str, Scheme]) -> None:
        self.world, self.schemes = world, schemes
        self._claims = 0
        self._invoices: dict[str, str] = {}
        people = [one for scheme in schemes.values() for one in scheme.applicants]
        self._person = {one.organisation.pk: one.person for one in people}

    def plan(self) -> None:
        """Plan each provider's bill of each period, and the settlement of each day."""
        for code, scheme in self.schemes.items():
            if code != CLAIMS:
                for number, (first, last) in enumerate(pairwise(PERIODS), start=1):
                    self._plan_period(scheme, number, first, last)
        calendar = self.world.calendar
        for day in range(1, int(calendar.number(calendar.until))):
            self.world.plan(calendar.at(day + 0.25), self._settle)

    def _plan_period(self, scheme: Scheme, number: int, first: int, last: int) -> None:
        world, is_end = self.world, last == PERIODS[-1]
        for place, shop in enumerate(scheme.shops):
            bill = _Billed(self, scheme, shop, f"{shop.seller.slug}-{number:02}", first, last)
            if not is_end:
                world.plan_on(last + SENT_AFTER + place % 3, bill.send)
            elif place < len(LAST_DAYS):
                world.plan_on(LAST_DAYS[place], bill.send)
            else:
                world.plan(world.calendar.until - LAST_MINUTES, bill.send)

    def _settle(self, at: datetime) -> None:
        for bill in bills_to_settle():
            actions.settle_bill(bill=bill, actor=SYSTEM, at=at, key=f"settle:{bill.number}")

    # --- claims --------------------------------------------------------------------------

    def claim(
        self, scheme: Scheme, applicant: Applicant, voucher: Voucher, shop: Shop, at: datetime
    ) -> None:
        """Claim the fee for all that was used under a voucher, if anything was."""
        used = sum(job.quantity_ms for job in shop.reported if job.voucher == voucher.code)
        if not used:
            return
        price = price_in_force(shop.seller.offer, voucher.issued_at, voucher.unit)
        assert price is not None
        compute = price_of(price.rate, used, voucher.unit)
        answers = voucher.award.application.answers
        actions.submit_claim(
            voucher=voucher,
            provider=shop.seller.provider,
            invoice_number=self._invoice(shop),
            amount_paid=compute + compute // 20,
            fee_excluded=compute // 20,
            contract_from_on=date.fromisoformat(answers["contract_from_on"]),
            contract_until_on=date.fromisoformat(answers["contract_until_on"]),
            period_from=start_of(voucher.valid_from_on, scheme.programme.zone),
            period_until=at.replace(microsecond=0),
            actor=applicant.person,
            at=at,
            key=self.world.key(),
        )

    def _invoice(self, shop: Shop) -> str:
        """Return a new invoice number; one that somebody else has claimed on, once."""
        self._claims += 1
        slug = shop.seller.slug
        if self._claims > _CLAIMS_BEFORE_REPEAT and slug in self._invoices:
            self._claims = -10_000
            return self._invoices[slug]
        number = f"{slug}-c{abs(self._claims):04}"
        self._invoices.setdefault(slug, number)
        return number

    # --- what is looked at afterwards ----------------------------------------------------

    def object_to(self, bill: Bill, row: int, at: datetime) -> None:
        """Let the holder dispute a line before the bill is settled."""
        line = bill.lines.select_related("voucher__organisation").get(row=row)
        assert line.voucher is not None
        actions.object_to_line(
            line=line,
            note=_NOTES["objected"],
            actor=self._person[line.voucher.organisation_id],
            at=at,
            key=self.world.key(),
        )

    def look_at(self, scheme: Scheme, bill: Bill, row: int, word: str, at: datetime) -> None:
        """Decide a withheld line by hand, with a word why."""
        actions.decide_line(
            line=bill.lines.get(row=row),
            accept=word == "accepted",
            note=_NOTES[word],
            actor=scheme.office.finance[2],
            at=at,
            key=self.world.key(),
        )


class _Billed:
    """One provider's bill of one period, with the mishap whose turn it is."""

    def __init__(
        self,
        billing: Billing,
        scheme: Scheme,
        shop: Shop,
        invoice: str,
        first: int,
        last: int,
    ) -> None:
        self.billing, self.world = billing, billing.world
        self.scheme, self.shop, self.invoice = scheme, shop, invoice
        self.begins, self.ends = self.world.calendar.at(first), self.world.calendar.at(last)

    def send(self, at: datetime) -> None:
        """Bill what was used in the period, if anything was."""
        jobs = [
            job
            for job in self.shop.reported
            if job.programme == self.scheme.programme.code
            and job.started_at < self.ends
            and job.ended_at > self.begins
        ]
        if not jobs:
            return
        whole = [one for one in jobs if self._is_inside(one) and one.quantity_ms > 3_600_000]
        is_long = len(whole) >= _LINES_LEAST and self.scheme.programme.code == OFFSET
        mishaps = self.world.mishaps
        mishap = mishaps.pop(0) if is_long and mishaps else ""
        if mishap.startswith("above_meter"):
            self._send_above(jobs, whole[1], mishap, at)
            return
        bill = self._submit(self.invoice, None, at)
        if mishap == "sent_twice":
            twice = [BillLineInput(self.shop.seller.slug, usage_key(self.shop, whole[2]))]
            later = at + self.world.calendar.day / 8
            self.world.plan(later, lambda then: self._send_again(twice, then))
        elif mishap == "objected":
            later = at + self.world.calendar.day / 8
            self.world.plan(later, lambda then: self.billing.object_to(bill, 1, then))

    def _is_inside(self, job: Job) -> bool:
        return job.started_at >= self.begins and job.ended_at <= self.ends

    def _send_above(self, jobs: list[Job], odd: Job, mishap: str, at: datetime) -> None:
        lines = [
            BillLineInput(
                self.shop.seller.slug,
                usage_key(self.shop, job),
                job.quantity_ms * 5 // 4 if job == odd else None,
            )
            for job in jobs
        ]
        bill = self._submit(self.invoice, lines, at)
        word = mishap.rpartition("_")[2]
        if word in _NOTES:
            row = jobs.index(odd) + 1
            self.world.plan_on(
                self.world.today() + 6,
                lambda then: self.billing.look_at(self.scheme, bill, row, word, then),
            )

    def _send_again(self, lines: Sequence[BillLineInput], at: datetime) -> None:
        self._submit(f"{self.invoice}-supplement", lines, at)

    def _submit(
        self, invoice: str, lines: Sequence[BillLineInput] | None, at: datetime
    ) -> Bill:
        return actions.submit_bill(
            provider=self.shop.seller.provider,
            programme=self.scheme.programme,
            invoice_number=invoice,
            period_from=self.begins,
            period_until=self.ends,
            lines=lines,
            actor=self.shop.seller.person,
            at=at,
            key=self.world.key(),
        )
