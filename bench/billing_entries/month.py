"""A provider's month: 200 orders of one programme, and the meter's file of what they used.

The provider has registered its GPUs, so that each hour is seen to be within them.
"""

import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TextIO

from billing import actions
from billing.models import Bill
from common.days import start_of
from ledger.actions import SYSTEM
from parties.models import User
from parties.roles import Role
from providers import actions as providers
from providers.models import Provider
from tests import cast
from vouchers.models import Programme

ZONE = "Asia/Shanghai"
JUNE = start_of(date(2025, 6, 1), ZONE)
JULY = start_of(date(2025, 7, 1), ZONE)
LATER = datetime(2025, 7, 2, 9, tzinfo=UTC)
FIRST_JOB = datetime(2025, 6, 3)  # noqa: DTZ001 - as the meter writes it
SECONDS_OF_JOBS = 25 * 86_400
FIRMS, ORDERS_OF_EACH = 40, 5
HOURS_OF_ORDER = 80
SMALL_HOLD = "40"
FUNDERS = (("Nation", "1/7"), ("Province", "2/7"), ("City", "4/7"))
# Jobs go to the GPUs by turns, and each is over before its GPU's turn comes again.
NODES, GPUS_OF_NODE = 8, 8
HEADER = "job_id,voucher,resource,class,count,start,end,state"


@dataclass(frozen=True, slots=True)
class Month:
    """Who used what: one provider, one programme, the codes of its orders."""

    provider: int
    programme: int
    orders: tuple[str, ...]


def set_scene(*, is_everything: bool = False) -> Month:
    """Bring 40 firms to a voucher each, and each to 5 orders at one provider, by actions.

    With everything, the law has three funders of whom two pay by themselves, an own part of
    what is without tax, and vouchers that end before the month does; a quarter of the orders
    has too small a hold.
    """
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    text = _law_of_everything() if is_everything else ""
    scheme = cast.make_programme(authority, cast.M3, budget=10**12, text=text)
    if is_everything:
        _name_payers(scheme)
    codes: list[str] = []
    for firm in range(FIRMS):
        applicant = cast.an_sme(name=f"Firm {firm}")
        voucher = cast.an_issued_voucher(scheme, applicant)
        for number in range(ORDERS_OF_EACH):
            reference = f"queue-{firm}-{number}"
            is_small = is_everything and len(codes) % 4 == 0
            order = cast.a_hold(
                voucher,
                applicant,
                seller,
                provider_reference=reference,
                hours=SMALL_HOLD if is_small else "100",
            )
            codes.append(order.code)
    _register_gpus(seller)
    return Month(seller.provider.pk, scheme.programme.pk, tuple(codes))


def _law_of_everything() -> str:
    """Return the offset law with funders, tax, an own part, and vouchers of so many days."""
    until = FIRST_JOB.date() + timedelta(days=SECONDS_OF_JOBS // 86_400 - 1)
    days = (until - cast.NOON.date()).days + 1
    text = cast.policy_text(cast.M3)
    text = text.replace("days = 365\ndays_min = 60", f"days = {days}\ndays_min = {days}")
    text = text.replace(
        "[settlement]\n", '[settlement]\ntax_basis = "EXCLUSIVE"\ntax_rate = "0.06"\n'
    )
    own = '\n[self_pay]\nclause = "Article 8"\nshare_min = "0.45"\n'
    funders = "".join(
        f'\n[[funders]]\nclause = "Article 15"\nname = "{name}"\nshare = "{share}"\n'
        for name, share in FUNDERS
    )
    return text + own + funders


def _name_payers(scheme: cast.Scheme) -> None:
    for name, _share in FUNDERS[:-1]:
        payer = cast.make_authority(name).organisation
        cast.with_role(scheme.authority.finance[0], payer, Role.FINANCE)
        actions.name_funder(
            programme=scheme.programme,
            name=name,
            payer=payer,
            actor=scheme.authority.finance[0],
            at=cast.NOON,
            key=name,
        )


def object_to_some(bill: Bill) -> int:
    """Dispute one line of each order, as its holder; return how many."""
    firsts = (
        bill.lines.order_by("order", "row")
        .distinct("order")
        .select_related(
            "bill__programme", "bill__provider__organisation", "voucher__organisation"
        )
    )
    for line in firsts:
        assert line.voucher is not None, "what was metered has a voucher"
        holder = User.objects.get(memberships__organisation=line.voucher.organisation)
        actions.object_to_line(
            line=line,
            note="This job never ran.",
            actor=holder,
            at=LATER,
            key=f"object {line.row}",
        )
    return len(firsts)


def _register_gpus(seller: cast.Seller) -> None:
    nodes = [
        providers.NodeEntry(f"node-{number}", "H100", GPUS_OF_NODE, "Guangxi", JUNE, None)
        for number in range(NODES)
    ]
    providers.record_capacity(
        provider=seller.provider, nodes=nodes, actor=seller.person, at=LATER, key="the register"
    )


class Job(NamedTuple):
    """One run of a job on one GPU; the instants are the meter's, in UTC."""

    name: str
    order: str
    start: datetime
    end: datetime
    gpu: str


def jobs_of(month: Month, rows: int) -> Iterator[Job]:
    """Give so many jobs in the order of their starts.

    A job has the number of a Kubernetes pod, a random UUID, and runs on one GPU for some time;
    all together an order's jobs stay within its hold.
    """
    dice = random.Random(rows)
    gpus = [f"GPU-{uuid.UUID(int=dice.getrandbits(128))}" for _ in range(NODES * GPUS_OF_NODE)]
    seconds = HOURS_OF_ORDER * 3_600 * len(month.orders) // rows
    for number in range(rows):
        start = FIRST_JOB + timedelta(seconds=number * SECONDS_OF_JOBS // rows)
        end = start + timedelta(seconds=dice.randint(seconds // 2, seconds * 3 // 2))
        job = uuid.UUID(int=dice.getrandbits(128))
        order = dice.choice(month.orders)
        yield Job(str(job), order, start, end, gpus[number % len(gpus)])


def write_jobs(file: TextIO, jobs: Iterable[Job], *, has_devices: bool = False) -> None:
    """Write jobs as a plain CSV, with or without the GPU of each."""
    file.write(HEADER + (",device\n" if has_devices else "\n"))
    for job in jobs:
        words = f"{job.name},{job.order},GPU,H100,1,{job.start},{job.end},COMPLETED"
        file.write(f"{words},{job.gpu}\n" if has_devices else f"{words}\n")


def import_file(month: Month, path: Path, key: str) -> actions.UsageReport:
    """Record the meter's file, as the provider; its name ends with its format."""
    provider = Provider.objects.get(pk=month.provider)
    with path.open("rb") as file:
        return actions.record_usage_file(
            provider=provider,
            name=path.name,
            format=path.suffix.removeprefix("."),
            stream=file,
            source="meter",
            resource=None,
            is_dry_run=False,
            actor=provider.address,
            at=LATER,
            key=key,
        )


def send_bill(month: Month) -> Bill:
    """Bill everything metered in the month."""
    provider = Provider.objects.get(pk=month.provider)
    return actions.submit_bill(
        provider=provider,
        programme=Programme.objects.get(pk=month.programme),
        invoice_number="INV-1",
        period_from=JUNE,
        period_until=JULY,
        lines=None,
        actor=provider.address,
        at=LATER,
        key="the month",
    )


def settle(bill: Bill) -> int:
    """Settle a bill, and return what the vouchers cover of it."""
    settlements = actions.settle_bill(bill=bill, actor=SYSTEM, at=LATER, key="the bill")
    return sum(settlement.covered for settlement in settlements)
