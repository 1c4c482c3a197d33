"""The entries of the law: a decision beside its bare arithmetic, a round beside a tenth of it."""

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from datetime import date
from decimal import ROUND_DOWN, Decimal, localcontext
from multiprocessing.connection import Connection

from bench.ground import Ground
from bench.registry import Pair, Sample, entry
from policy import opinion
from policy.allocation import Entry, allot
from policy.answers import PRECISION
from policy.claims import Claim, FeeLine
from policy.dossiers import Dossier
from policy.facts import ApplicantFacts
from policy.programme import read, shipped

DECISIONS = 20_000
ROUND = 100_000
SMALLER = 10_000
# So that most of a round's applications are of somebody who has another one.
ORGANISATIONS_A_THOUSAND = 600
UNDERTAKINGS_A_THOUSAND = 500

ROUND_LAW = shipped()["cn-nanning-2025"].replace(
    '[[caps]]\nclause = "南宁市通知：总额5000万元"\nscope = "PROGRAMME"\namount = "50000000"\n',
    '[[caps]]\nclause = "of the measurement"\nscope = "UNDERTAKING"\nmeasured = ["ISSUED"]\n'
    'amount = "3000000"\n',
)


def _dossier(number: int) -> Dossier:
    """Return one application of many: fees, days and standing differ."""
    claim = Claim(
        as_of=date(2026, 1, 10),
        fee_lines=(
            FeeLine("compute", Decimal(20_000 + number * 7 % 5_000_000)),
            FeeLine("storage", Decimal(number % 900)),
        ),
        contract_from=date(2025, 1, 1 + number % 28),
        contract_until=date(2026, 12, 1 + number % 28),
        organisation_kind="SME",
        multiplier=Decimal(90 + number % 30) / 100,
    )
    facts = ApplicantFacts(
        organisation_kind="SME",
        region="CN-4501",
        applied_on=date(2026, 1, 10),
        provider_related=False,
        provider_listed=True,
    )
    return Dossier(claim, facts)


def by_hand(dossier: Dossier) -> int:
    """Work one scheme's award out with its own numbers written into the code.

    What the document says, step by step, and nothing else: no working, no reasons, no clause.
    """
    facts, claim = dossier.applicant, dossier.claim
    assert facts is not None
    if facts.organisation_kind not in ("SME", "LARGE_ENTERPRISE", "UNIVERSITY", "INSTITUTE"):
        return 0
    if not facts.region.startswith("CN-4501") or facts.conduct_bars:
        return 0
    if not date(2026, 1, 4) <= facts.applied_on <= date(2026, 1, 23):
        return 0
    if facts.other_public_money or facts.provider_related or not facts.provider_listed:
        return 0
    assert claim.contract_from is not None
    assert claim.contract_until is not None
    with localcontext(prec=PRECISION):
        base = Decimal(0)
        for line in claim.fee_lines:
            if line.resource not in ("storage", "network", "security"):
                base += line.fee
        start = max(claim.contract_from, date(2025, 3, 1))
        end = min(claim.contract_until, date(2025, 12, 31))
        inside = max((end - start).days, 0)
        whole = (claim.contract_until - claim.contract_from).days
        if inside != whole:
            base = (base * inside / whole).quantize(Decimal(1), rounding=ROUND_DOWN)
        share = base * 3 / 10
        award = min(share * min(max(claim.multiplier, Decimal("0.5")), Decimal("1.5")), share)
        award = min(award, Decimal(2_000_000) - Decimal(claim.used_this_year) / 100)
        award = min(award, Decimal(50_000_000))
        return int(award.quantize(Decimal(1), rounding=ROUND_DOWN) * 100)


def _rate(work: Callable[[Dossier], object], dossiers: list[Dossier]) -> Sample:
    start = time.process_time()
    for dossier in dossiers:
        work(dossier)
    return Sample(len(dossiers) / (time.process_time() - start))


@entry(
    must=0.1,
    aim=0.2,
    unit="decisions/s",
    rows=DECISIONS,
    subject="an opinion on a dossier by its document: answer, award, working, reasons, approval",
    reference="the same scheme's conditions and arithmetic written by hand, the amount alone",
)
def decide_vs_bare(ground: Ground) -> Iterator[Pair]:
    """Decide by the document and by hand; both give the same amounts."""
    programme = read(shipped()["cn-nanning-2025"])
    dossiers = [_dossier(number) for number in range(ground.pick(DECISIONS, 200))]
    for dossier in dossiers:
        ours, bare = opinion.form(dossier, programme).recommended, by_hand(dossier)
        if ours != bare:
            raise RuntimeError(f"{dossier} gives {ours} by the document and {bare} by hand.")
    yield Pair(
        lambda: _rate(lambda dossier: opinion.form(dossier, programme).award.working, dossiers),
        lambda: _rate(by_hand, dossiers),
    )


@entry(
    must=0.77,
    aim=0.95,
    unit="applications/s",
    rows=ROUND,
    subject="a round of 100,000 applications decided by score: caps, undertakings, a budget "
    "for two thirds of them",
    reference="the same of 10,000",
    at_most={"peak_mib": 1024},
)
def decide_round_growth(ground: Ground) -> Iterator[Pair]:
    """Decide rounds of two sizes: an application costs the same in either."""
    many, few = ground.pick(ROUND, 2_000), ground.pick(SMALLER, 200)
    yield Pair(lambda: _in_a_process(many), lambda: _in_a_process(few))


def _in_a_process(count: int) -> Sample:
    """Decide a round in a process of its own, so that its memory can be told."""
    fork = multiprocessing.get_context("spawn")
    ours, theirs = fork.Pipe()
    process = fork.Process(target=_decide, args=(theirs, count))
    process.start()
    theirs.close()
    try:
        seconds, awarded, waiting, peak = ours.recv()
    finally:
        process.join()
    seen = {"awarded": awarded, "waiting": waiting, "peak_mib": peak}
    return Sample(count / seconds, seen)


def _decide(pipe: Connection, count: int) -> None:
    programme = read(ROUND_LAW)
    entries = [
        Entry(
            reference=f"A-{number}",
            dossier=_dossier(number),
            organisation=f"O-{number * 31 % (count * ORGANISATIONS_A_THOUSAND // 1000)}",
            undertaking=f"U-{number * 31 % (count * UNDERTAKINGS_A_THOUSAND // 1000)}",
            arrived=number,
            score=Decimal(number * 37 % 1000),
        )
        for number in range(count)
    ]
    wanted = sum(by_hand(one.dossier) for one in entries)
    start = time.process_time()
    found = allot(entries, programme, wanted * 2 // 3, "SCORE")
    seconds = time.process_time() - start
    awarded = sum(1 for one in found if one.awarded)
    waiting = sum(1 for one in found if one.is_waiting)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send((seconds, awarded, waiting, round(peak, 1)))
