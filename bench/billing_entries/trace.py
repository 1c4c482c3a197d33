"""The trace of one payment, beside the smallest page that anybody who is signed in sees."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from statistics import quantiles

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench.billing_entries.entries import THOUSAND, staged
from bench.billing_entries.month import LATER
from bench.billing_entries.steps import run_steps
from bench.ground import Ground
from bench.registry import Pair, Sample, entry
from billing import actions
from billing.bank.demo_bank import statement_for
from billing.models import Payment
from parties.models import User
from parties.roles import Role
from tests import cast
from tests.cast import Authority
from vouchers.models import Programme

LINES = 10 * THOUSAND
ANSWERS, WARM_ANSWERS = 60, 10
QUERIES_MOST = 12


@entry(
    must=0.33,
    aim=0.5,
    unit="answers/s",
    rows=LINES,
    subject="the trace page of a payment of 10,000 bill lines and 200 orders: one over its p95",
    reference="the smallest page of the portal that asks who is there (the profile): the same",
    at_most={"queries": QUERIES_MOST},
)
def trace_payment(ground: Ground) -> Iterator[Pair]:
    """Ask for the trace of a payment, and for the profile, as the same finance officer."""
    with ExitStack() as scene:
        stage = scene.enter_context(staged(ground, LINES))
        paid = stage.imported(scene)
        run_steps(paid.app_url, stage.month, stage.file, "bill", "settle")
        finance = _finance(Programme.objects.get(pk=stage.month.programme))
        payment = _pay(finance)
        with paid.as_owner() as session:
            session.execute("vacuum analyze")
        answers = ground.pick(ANSWERS, 5)
        trace = reverse("trace", args=["payment", payment.end_to_end_id])
        yield Pair(
            partial(_asked, finance.finance[0], trace, answers),
            partial(_asked, finance.finance[0], reverse("profile"), answers),
        )


def _finance(programme: Programme) -> Authority:
    """Return the programme's authority with three finance officers."""
    members = programme.authority.memberships.select_related("user")
    own = {role: [one.user for one in members if one.role == role] for role in Role}
    return Authority(
        organisation=programme.authority,
        admin=own[Role.ADMIN][0],
        officer=own[Role.OFFICER][0],
        second_officer=own[Role.OFFICER][1],
        finance=(own[Role.FINANCE][0], own[Role.FINANCE][1], own[Role.FINANCE][2]),
        investigator=own[Role.INVESTIGATOR][0],
        regulator=own[Role.REGULATOR][0],
    )


def _pay(authority: Authority) -> Payment:
    """Pay what the month's bill made due, and read the bank's answer."""
    first, second, third = authority.finance
    cast.a_bank_detail(authority.organisation, second, authority)
    programme = authority.organisation.programmes.get()
    batch = actions.prepare_batch(programme=programme, actor=first, at=LATER, key="p")
    actions.lock_batch(batch=batch, actor=first, at=LATER, key="l")
    actions.approve_batch(batch=batch, actor=second, at=LATER, key="a")
    file = actions.release_batch(batch=batch, actor=third, at=LATER, key="r")
    answer = statement_for(
        bytes(file.content), statement_id="S", created_at=LATER, booked_on=LATER.date()
    )
    actions.read_statement(name="s.xml", data=answer, actor=first, at=LATER, key="s")
    return Payment.objects.get(status=Payment.Status.PAID)


def _asked(person: User, address: str, answers: int) -> Sample:
    """Ask for a page so often; give one over the 95th percentile of its times."""
    client = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
    client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    with CaptureQueriesContext(connection) as asked:
        _answer(client, address)
    for _time in range(WARM_ANSWERS):
        _answer(client, address)
    times = []
    for _time in range(answers):
        start = time.perf_counter()
        _answer(client, address)
        times.append(time.perf_counter() - start)
    p95 = quantiles(times, n=20, method="inclusive")[-1]
    queries = [one["sql"] for one in asked if not one["sql"].startswith(("BEGIN", "COMMIT"))]
    return Sample(round(1 / p95, 2), {"p95_ms": round(p95 * 1e3, 2), "queries": len(queries)})


def _answer(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answered {answer.status_code}.")
