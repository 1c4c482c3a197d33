"""The trade: the same through the product's own doors, over a portal and a worker that are killed.

Orders come in by the provider's HTTP API; use, bills, batches by three people and bank
statements by API and actions; lapse, expiry and settlement are left to the worker. An errand is
a row of steps whose keys follow from its number, so that after a kill of the harness it is
simply run again.
"""

import http.client
import json
import os
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.db import DatabaseError, InterfaceError, OperationalError

from bench.chaos.board import Board
from bench.chaos.model import line
from bench.chaos.sending import forget_connection, is_broken, pause
from bench.chaos.trade_scene import Scene, ensure_scene
from billing import actions as billing
from billing.bank.demo_bank import statement_for
from billing.models import Batch, Bill
from common.errors import Refused
from parties.models import User
from providers.models import Offer, Provider
from vouchers import actions as vouchers
from vouchers.models import Decision, Order, Programme, Voucher

KINDS = {
    "redeem": 6,
    "bill_by_api": 3,
    "bill_swept": 4,
    "lapse": 2,
    "release": 2,
    "pay": 2,
    "expire": 1,
}
HOURS = 4
_BURST = 6
_REST_SECONDS = 0.6
_TRIES_MAX = 400


_T = TypeVar("_T")


class Contradiction(Exception):
    """An answer that no step of the trade may get."""


class _Lost(Exception):
    """Nobody knows whether it was done."""


class Trade:
    """Runs errands, each step sent twice with one key, and writes each answer down."""

    def __init__(self, seed: int, folder: Path, address: str, scene: Scene) -> None:
        self.scene = scene
        self._rng = random.Random(f"trade/{seed}")
        self._host = urlsplit(address).netloc
        self._path = journal_path(folder)
        self._pool = ThreadPoolExecutor(2)
        self._errand = 0
        self._is_together = False
        self._cut = False

    def run(self, board: Board) -> bool:
        """Run errands until told to stop; say whether every answer was as it must be."""
        done = errands_done(self._path)
        kinds = [kind for kind, weight in KINDS.items() for _ in range(weight)]
        while not board.is_over:
            kind = kinds[int(self._rng.random() * len(kinds))]
            self._is_together = self._rng.random() < 0.4
            self._cut = self._rng.random() < 0.1
            if self._errand >= done:
                try:
                    getattr(self, f"_{kind}")()
                except Contradiction as contradiction:
                    self._write("bad", self._errand, str(contradiction))
                    return False
                self._write("errand", self._errand, kind)
                time.sleep(_REST_SECONDS)
            self._errand += 1
        return True

    # --- errands -----------------------------------------------------------------------------

    def _redeem(self) -> None:
        """Redeem the voucher's code a few times, as a provider's program does."""
        for number in range(_BURST):
            body = {
                "redemption_code": self.scene.redemption_code,
                "offer": self.scene.offer_code,
                "hours": str(HOURS),
                "reference": f"redeem-{self._errand}-{number}",
            }
            self._post(f"redeem {number}", "redemptions", body, 201, "code")

    def _bill_by_api(self) -> None:
        """Report use and bill it by API; an officer settles the bill before it is due."""
        order, hours = self._used_order()
        end = self._at(days=-1)
        body = {
            "programme": self._programme().code,
            "period_from": self._at(days=-30).isoformat(),
            "period_until": end.isoformat(),
            "invoice_number": f"INV-{self._errand}",
            "lines": [{"source": "meter", "key": f"job-{self._errand}"}],
        }
        number = self._post("bill", "bills", body, 201, "number", hours=hours, order=order)
        self._act("settle", lambda key: _settle(number, self._person(self.scene.officer), key))

    def _bill_swept(self) -> None:
        """Report use and bill it long enough ago: the worker's sweep settles the bill."""
        order, hours = self._used_order()

        def submit(key: str) -> str:
            provider = self._provider()
            return billing.submit_bill(
                provider=provider,
                programme=self._programme(),
                invoice_number=f"INV-{self._errand}",
                period_from=self._at(days=-30),
                period_until=self._at(days=-1),
                lines=[billing.BillLineInput("meter", f"job-{self._errand}", None, None, None)],
                actor=provider.address,
                at=self._at(days=-12),
                key=key,
            ).number

        self._act("bill", submit, hours=hours, order=order)

    def _used_order(self) -> tuple[str, int]:
        """Place an order of some days ago, and report some of its hours as used."""
        order = self._place(days=-20)
        hours = 1 + self._errand % HOURS
        started = self._at(days=-15)
        record = {
            "key": f"job-{self._errand}",
            "account": order,
            "resource": "GPU",
            "resource_class": "H100",
            "count": "1",
            "started_at": started.isoformat(),
            "ended_at": (started + timedelta(hours=hours)).isoformat(),
        }
        body = {"source": "meter", "records": [record]}
        self._post("use", "usage", body, 200, "recorded", job=f"job-{self._errand}")
        return order, hours

    def _lapse(self) -> None:
        """Place an order whose hold has lapsed by now: the worker gives it back."""
        self._place(days=-50, lapses=True)

    def _release(self) -> None:
        """Place an order, and let the provider release it."""
        code = self._place(days=-3)

        def release(key: str) -> str:
            order = Order.objects.select_related(
                "voucher__programme__authority",
                "voucher__organisation",
                "offer__provider__organisation",
            ).get(code=code)
            actor = order.offer.provider.address
            return vouchers.release_hold(
                order=order, actor=actor, at=self._at(), key=key
            ).status

        self._act("release", release)

    def _place(self, *, days: int, **facts: Any) -> str:
        def place(key: str) -> str:
            return vouchers.place_hold(
                voucher=Voucher.objects.select_related("programme", "organisation").get(
                    pk=self.scene.voucher
                ),
                offer=Offer.objects.select_related("provider__organisation").get(
                    pk=self.scene.offer
                ),
                hours=Decimal(HOURS),
                provider_reference=f"place-{self._errand}",
                actor=self._person(self.scene.holder),
                at=self._at(days=days),
                key=key,
            ).code

        return str(self._act("place", place, **facts))

    def _expire(self) -> None:
        """Issue a voucher so long ago that it has expired: the worker ends it."""
        place = self._errand % len(self.scene.decisions)
        decision = Decision.objects.select_related("application__round__programme")
        actor = self._person(self.scene.officer)

        def issue(_key: str) -> str:
            return vouchers.issue_voucher(
                decision=decision.get(pk=self.scene.decisions[place]),
                actor=actor,
                at=self._at(days=-400),
                key=f"old voucher {place}",
            ).code

        self._act("expire", issue)

    def _pay(self) -> None:
        """Pay what is due by three people, and read the bank's answer twice."""
        one, two, three = map(self._person, self.scene.finance)
        at = self._at()
        code = self._act("prepare", lambda key: _prepare(self._programme(), one, at, key))
        if code == "nothing_due":
            return
        self._act("approve", lambda key: _approve(code, two, at, key))
        self._act("send", lambda key: _release_batch(code, three, at, key))
        file = _patient(lambda: bytes(Batch.objects.get(code=code).file.content))
        data = statement_for(
            file, statement_id=f"ST-{self._errand}", created_at=at, booked_on=at.date()
        )
        self._act("statement", lambda key: _read_statement(data, one, at, key))

    # --- sending -----------------------------------------------------------------------------

    def _act(self, step: str, ask: Callable[[str], Any], **facts: Any) -> Any:
        """Call an action twice with one key, until it is answered, and write the answer down."""
        key = f"trade/{self._errand}/{step}"
        return self._twice(step, key, lambda: _called(lambda: ask(key)), facts)

    def _post(
        self, step: str, what: str, body: dict[str, Any], code: int, field: str, **facts: Any
    ) -> Any:
        """Post to the API twice with one Idempotency-Key, and return a field of the answer."""
        key = f"trade-{self._errand}-{step.replace(' ', '-')}"

        def post() -> Any:
            return self._posted(what, body, key, code, field)

        return self._twice(step, key, post, facts)

    def _twice(self, step: str, key: str, ask: Callable[[], Any], facts: dict[str, Any]) -> Any:
        answers: list[Any] = []
        sendings = 0
        while len(answers) < 1 or sendings < 2:
            if sendings > _TRIES_MAX:
                raise Contradiction(f"{key} gets no answer")
            count = 2 if self._is_together and not sendings else 1
            for waiting in [self._pool.submit(_found, ask) for _ in range(count)]:
                sendings += 1
                found = waiting.result()
                if isinstance(found, _Lost):
                    pause(sendings)
                else:
                    answers.append(found)
        if any(one != answers[0] for one in answers):
            raise Contradiction(f"{key} was answered {answers}")
        lost = sendings - len(answers)
        self._write("step", self._errand, step, key, answers[0], facts, sendings, lost)
        return answers[0]

    def _posted(self, what: str, body: dict[str, Any], key: str, code: int, field: str) -> Any:
        """Post once; the line may be cut as soon as the request is sent."""
        session = http.client.HTTPConnection(self._host, timeout=20)
        headers = {
            "Authorization": f"Bearer {self.scene.secret}",
            "Idempotency-Key": key,
            "Content-Type": "application/json",
        }
        is_cut, self._cut = self._cut, False
        try:
            session.request("POST", f"/api/v1/{what}", json.dumps(body), headers)
            if is_cut:
                raise _Lost
            response = session.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise _Lost from error
        finally:
            session.close()
        if response.status >= 500 or _is_in_flight(response.status, data):
            raise _Lost
        if response.status != code:
            raise Contradiction(f"{key} was answered {response.status} {data[:300]!r}")
        return json.loads(data)[field]

    def _write(self, *words: Any) -> None:
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(line(list(words)).encode())

    # --- places ------------------------------------------------------------------------------

    def _at(self, *, days: int = 0) -> datetime:
        return self.scene.begin + timedelta(days=days, seconds=self._errand)

    def _person(self, pk: int) -> User:
        return _patient(lambda: User.objects.get(pk=pk))

    def _provider(self) -> Provider:
        providers = Provider.objects.select_related("organisation")
        return _patient(lambda: providers.get(pk=self.scene.provider))

    def _programme(self) -> Programme:
        return _patient(
            lambda: Programme.objects.select_related("authority").get(pk=self.scene.programme)
        )


def _is_in_flight(status: int, data: bytes) -> bool:
    """Say whether the first sending is still being worked on, or was killed while it was."""
    return status == 409 and json.loads(data).get("code") == "in_flight"


# --- one call of each action -----------------------------------------------------------------


def _settle(number: str, officer: User, key: str) -> list[int]:
    bill = Bill.objects.select_related("programme__authority").get(number=number)
    at = bill.sent_at
    return [one.pk for one in billing.settle_bill(bill=bill, actor=officer, at=at, key=key)]


def _prepare(programme: Programme, person: User, at: datetime, key: str) -> str:
    try:
        return billing.prepare_batch(programme=programme, actor=person, at=at, key=key).code
    except billing.NothingDue:
        return "nothing_due"


def _batch(code: str) -> Batch:
    return Batch.objects.select_related("programme__authority").get(code=code)


def _approve(code: str, person: User, at: datetime, key: str) -> str:
    return billing.approve_batch(batch=_batch(code), actor=person, at=at, key=key).code


def _release_batch(code: str, person: User, at: datetime, key: str) -> int:
    return billing.release_batch(batch=_batch(code), actor=person, at=at, key=key).pk


def _read_statement(data: bytes, person: User, at: datetime, key: str) -> int:
    read = billing.read_statement(name="chaos.xml", data=data, actor=person, at=at, key=key)
    return read.pk


def _called(ask: Callable[[], _T]) -> _T:
    """Call an action once; a broken connection gives an answer that is lost."""
    try:
        return ask()
    except Refused as refused:
        raise Contradiction(f"refused: {refused.code}, {refused}") from refused
    except (OperationalError, InterfaceError) as error:
        forget_connection()
        if is_broken(error):
            raise _Lost from error
        raise Contradiction(f"{error}") from error
    except DatabaseError as error:
        forget_connection()
        raise Contradiction(f"{error}") from error


def _found(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except _Lost as lost:
        return lost


def _patient(ask: Callable[[], _T]) -> _T:
    """Read something, again until the server is there."""
    for tries in range(1, _TRIES_MAX):
        try:
            return _called(ask)
        except _Lost:
            pause(tries)
    raise Contradiction("the server does not come back")


def errands_done(path: Path) -> int:
    """Return how many errands an earlier sitting has finished."""
    if not path.exists():
        return 0
    with path.open() as file:
        return sum(text.startswith('["errand"') for text in file)


def journal_path(folder: Path) -> Path:
    """Return where the trade's journal is."""
    return folder / "journal" / "trade.jsonl"


def live(seed: int, folder: Path, board: Board, address: str) -> None:
    """Trade until told to stop; end with code 3 when an answer was not what it must be."""
    os.environ["PGAPPNAME"] = "chaos-trade"
    is_well = Trade(seed, folder, address, ensure_scene(folder / "scene.json")).run(board)
    os._exit(0 if is_well else 3)
