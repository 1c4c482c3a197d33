"""Ask the product for one thing twice with one key, until it is answered, and write it down."""

import http.client
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from bench.chaos.model import line
from bench.chaos.sending import pause
from bench.chaos.trade.answers import TRIES_MAX, Contradiction, Lost, called, patient
from bench.chaos.trade.pages import Visit, shown_fields
from bench.chaos.trade.scene import Scene
from parties.models import User
from providers.models import Provider
from vouchers.models import Programme


class Trade:
    """What every errand asks by: each step is sent twice with one key, each answer written down."""

    def __init__(self, seed: int, path: Path, address: str, scene: Scene) -> None:
        self.scene = scene
        self.errand = 0
        self._seed = seed
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

    def page(
        self,
        step: str,
        person: int,
        path: str,
        typed: dict[str, Any],
        **facts: Any,
    ) -> str:
        """Open a page as a person, send its form twice, and return where that leads.

        The form carries the key that a run with this seed would give it again.
        """
        key = str(uuid5(NAMESPACE_URL, f"trade/{self._seed}/{self.errand}/{step}"))

        def send() -> str:
            visit = self._visit(person)
            shown = shown_fields(visit.open(path))
            is_cut, self._cut = self._cut, False
            return visit.send(path, {**shown, **typed, "key": key}, is_cut=is_cut)

        return str(self._twice(step, key, send, facts))

    def read(self, person: int, path: str) -> bytes:
        """Open a page or a file as a person, again until it is there."""
        return patient(lambda: self._visit(person).open(path))

    def _visit(self, person: int) -> Visit:
        return Visit(self._host, self.scene.sessions[str(person)])

    def _twice(self, step: str, key: str, ask: Callable[[], Any], facts: dict[str, Any]) -> Any:
        answers: list[Any] = []
        sendings = 0
        while len(answers) < 1 or sendings < 2:
            if sendings > TRIES_MAX:
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


def _is_in_flight(status: int, data: bytes) -> bool:
    """Say whether the first sending is still being worked on, or was killed while it was."""
    return status == 409 and json.loads(data).get("code") == "in_flight"


def _found(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Lost as lost:
        return lost
