"""Jobs drawn from published distributions, and the files in which providers report them."""

import io
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

from billing import actions
from config.demo.world import Job, Scheme, Shop, World
from vouchers.models import Voucher

# Philly, 83,154 jobs: the logarithm of the runtime in seconds; the share of failed jobs.
RUNTIME_MU, RUNTIME_SIGMA, FAILED = 6.846, 2.181, 0.229
# openb 2023: GPUs of a job.
GPUS, GPU_WEIGHTS = (1, 0, 2, 4, 8), (85.7, 13.4, 0.2, 0.18, 0.54)
PENDING = 0.11
WORK_DAYS = 13
JOBS_MOST = 320
REPORTS_EVERY, REPORTED_AFTER = 14, 2
# Where one bill's period ends and the next begins, in days of the demo.
PERIODS = (0, 28, 56, 84, 112, 140, 168, 196, 224, 252, 266)
_LONGEST = 10 * 86_400


def work(
    world: World,
    shop: Shop,
    voucher: Voucher,
    account: str,
    quantity_ms: int,
    starts_at: datetime,
    days: int,
) -> None:
    """Let jobs run for so many GPU-milliseconds in all, cut where the last would pass them."""
    left = quantity_ms
    window = int(days * world.calendar.day.total_seconds()) - 60
    starts_at = starts_at.replace(microsecond=0)
    for _turn in range(JOBS_MOST):
        if left <= 0:
            return
        job = _job(world, shop, voucher, account, left, starts_at, window)
        left -= job.quantity_ms
        shop.waiting.append(job)


def _job(
    world: World,
    shop: Shop,
    voucher: Voucher,
    account: str,
    left: int,
    starts_at: datetime,
    window: int,
) -> Job:
    dice = world.random
    seconds = max(int(dice.lognormvariate(RUNTIME_MU, RUNTIME_SIGMA)), 1)
    gpus = dice.choices(GPUS, GPU_WEIGHTS)[0]
    state = "FAILED" if dice.random() < FAILED else "COMPLETED"
    longest = min(window, _LONGEST)
    if seconds > longest:
        seconds, state = longest, "TIMEOUT"
    if gpus:
        seconds = min(seconds, -(-left // (gpus * 1000)))
    begins = starts_at + timedelta(seconds=dice.randint(0, window - seconds))
    begins = _within_reports(world, begins, seconds)
    ends = begins + timedelta(seconds=seconds)
    programme = voucher.programme.code
    return Job(next(shop.numbers), account, begins, ends, gpus, state, programme, voucher.code)


def _within_reports(world: World, begins: datetime, seconds: int) -> datetime:
    """Begin a job after a period's end if its report would come after the period's bill."""
    for day in PERIODS[1:]:
        border = world.calendar.at(day)
        reported_at = world.calendar.at(day + REPORTED_AFTER)
        if begins < border and begins + timedelta(seconds=seconds) > reported_at:
            return border
    return begins


def plan_reports(world: World, schemes: dict[str, Scheme]) -> None:
    """Plan each provider's files: every fortnight, all jobs that have ended."""
    shops = {id(shop): shop for scheme in schemes.values() for shop in scheme.shops}
    last = int(world.calendar.number(world.calendar.until))
    for day in range(REPORTED_AFTER, last + 1, REPORTS_EVERY):
        for shop in shops.values():
            world.plan(world.calendar.at(day + 0.1), partial(_report, world, shop))


def _report(world: World, shop: Shop, at: datetime) -> None:
    ended = [job for job in shop.waiting if job.ended_at <= at]
    shop.waiting = [job for job in shop.waiting if job.ended_at > at]
    if not ended:
        return
    ended.sort(key=lambda job: (job.started_at, job.number))
    is_sacct = shop.seller.format == "sacct"
    text = _sacct(ended, shop.seller.slug, world.random) if is_sacct else _csv(ended, shop)
    report = actions.record_usage_file(
        provider=shop.seller.provider,
        name=f"{shop.seller.slug}-{at:%Y-%m-%d}.{'txt' if is_sacct else 'csv'}",
        format=shop.seller.format,
        stream=io.BytesIO(text.encode()),
        source=shop.seller.slug,
        resource="GPU" if is_sacct else None,
        is_dry_run=False,
        actor=shop.seller.provider.address,
        at=at,
        key=world.key(),
    )
    metered = [job for job in ended if job.gpus]
    if report.recorded != len(metered):
        raise RuntimeError(f"{report.recorded} of {len(metered)} jobs: {report.errors[:3]}")
    shop.reported += metered


def usage_key(shop: Shop, job: Job) -> str:
    """Return the key under which the reader of a provider's format keeps a job."""
    cluster = f"{shop.seller.slug}/" if shop.seller.format == "sacct" else ""
    return f"{cluster}{job.number}/{job.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _sacct(jobs: list[Job], cluster: str, dice: Random) -> str:
    lines = ["JobIDRaw|Cluster|Account|Start|End|State|AllocTRES"]
    for job in jobs:
        gpus = f",gres/gpu={job.gpus}" if job.gpus else ""
        tres = f"cpu={max(job.gpus, 1) * 8},mem={max(job.gpus, 1) * 64}G{gpus}"
        times = f"{_clock(job.started_at)}|{_clock(job.ended_at)}"
        lines.append(f"{job.number}|{cluster}|{job.account}|{times}|{job.state}|{tres}")
        if dice.random() < PENDING:
            lines.append(f"{job.number}9|{cluster}|{job.account}|Unknown|Unknown|PENDING|")
    return "\n".join(lines) + "\n"


def _csv(jobs: list[Job], shop: Shop) -> str:
    lines = ["job_id,voucher,resource,class,count,start,end,state"]
    for job in jobs:
        if job.gpus:
            what = f"GPU,{shop.seller.offer.resource_class},{job.gpus}"
            times = f"{_clock(job.started_at)},{_clock(job.ended_at)}"
            lines.append(f"{job.number},{job.account},{what},{times},{job.state}")
    # A row of somebody else's cluster: it is told back as an error and counts for nothing.
    first = jobs[0]
    times = f"{_clock(first.started_at)},{_clock(first.ended_at)}"
    lines.append(f"{first.number}0,someone-else,GPU,H100,1,{times},COMPLETED")
    return "\n".join(lines) + "\n"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
