"""Ask the product for one thing twice with one key, until it is answered, and write it down."""

import http.client
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.db import DatabaseError, InterfaceError, OperationalError

from bench.chaos.model import line
from bench.chaos.sending import forget_connection, is_broken, pause
from bench.chaos.trade.scene import Scene
from common.errors import Refused
from parties.models import User
from providers.models import Provider
from vouchers.models import Programme

_TRIES_MAX = 400
_T = TypeVar("_T")


class Contradiction(Exception):
    """An answer that no step of the trade may get."""


class Lost(Exception):
    """Nobody knows whether it was done."""


class Trade:
    """What every errand asks by: each step is sent twice with one key, each answer written down."""

    def __init__(self, seed: int, path: Path, address: str, scene: Scene) -> None:
        self.scene = scene
        self.errand = 0
        self._rng = random.Random(f"trade/{seed}")
        self._host = urlsplit(address).netloc
        self._path = path
        self._pool = ThreadPoolExecutor(2)
        self._is_together = False
        self._cut = False

    def draw(self, kinds: list[str]) -> str:
        """Choose the next errand's kind, and how its steps are sent; the same for one seed."""
        kind = kinds[int(self._rng.random() * len(kinds))]
        self._is_together = self._rng.random() < 0.4
        self._cut = self._rng.random() < 0.1
        return kind

    def act(self, step: str, ask: Callable[[str], Any], **facts: Any) -> Any:
        """Call an action twice with one key, until it is answered, and write the answer down."""
        key = f"trade/{self.errand}/{step}"
        return self._twice(step, key, lambda: called(lambda: ask(key)), facts)

    def post(
        self, step: str, what: str, body: dict[str, Any], code: int, field: str, **facts: Any
    ) -> Any:
        """Post to the API twice with one Idempotency-Key, and return a field of the answer."""
        key = f"trade-{self.errand}-{step.replace(' ', '-')}"

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
                if isinstance(found, Lost):
                    pause(sendings)
                else:
                    answers.append(found)
        if any(one != answers[0] for one in answers):
            raise Contradiction(f"{key} was answered {answers}")
        lost = sendings - len(answers)
        self.write("step", self.errand, step, key, answers[0], facts, sendings, lost)
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
                raise Lost
            response = session.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Lost from error
        finally:
            session.close()
        if response.status >= 500 or _is_in_flight(response.status, data):
            raise Lost
        if response.status != code:
            raise Contradiction(f"{key} was answered {response.status} {data[:300]!r}")
        return json.loads(data)[field]

    def write(self, *words: Any) -> None:
        """Add a line to the trade's journal."""
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(line(list(words)).encode())

    # --- places ------------------------------------------------------------------------------

    def at(self, *, days: int = 0) -> datetime:
        """Return the errand's instant, or one so many days after it."""
        return self.scene.begin + timedelta(days=days, seconds=self.errand)

    def person(self, pk: int) -> User:
        """Return a person of the scene."""
        return patient(lambda: User.objects.get(pk=pk))

    def provider(self) -> Provider:
        """Return the scene's provider."""
        providers = Provider.objects.select_related("organisation")
        return patient(lambda: providers.get(pk=self.scene.provider))

    def programme(self) -> Programme:
        """Return the scene's programme."""
        return patient(
            lambda: Programme.objects.select_related("authority").get(pk=self.scene.programme)
        )


def called(ask: Callable[[], _T]) -> _T:
    """Call an action once; a broken connection gives an answer that is lost."""
    try:
        return ask()
    except Refused as refused:
        raise Contradiction(f"refused: {refused.code}, {refused}") from refused
    except (OperationalError, InterfaceError) as error:
        forget_connection()
        if is_broken(error):
            raise Lost from error
        raise Contradiction(f"{error}") from error
    except DatabaseError as error:
        forget_connection()
        raise Contradiction(f"{error}") from error


def patient(ask: Callable[[], _T]) -> _T:
    """Read something, again until the server is there."""
    for tries in range(1, _TRIES_MAX):
        try:
            return called(ask)
        except Lost:
            pause(tries)
    raise Contradiction("the server does not come back")


def _is_in_flight(status: int, data: bytes) -> bool:
    """Say whether the first sending is still being worked on, or was killed while it was."""
    return status == 409 and json.loads(data).get("code") == "in_flight"


def _found(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Lost as lost:
        return lost
