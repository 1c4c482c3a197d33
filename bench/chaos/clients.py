"""One client: asks what the plan says, twice, checks each answer, and writes it down."""

import os
import queue
import threading
from dataclasses import replace
from itertools import islice
from pathlib import Path

from django.db import connection

from bench.chaos import hot
from bench.chaos.board import Board
from bench.chaos.desk import Desk
from bench.chaos.hot import HotDesk
from bench.chaos.journal import Entry, Journal, entries
from bench.chaos.model import Answer, Request, disagreement
from bench.chaos.plan import Operation, operations
from bench.chaos.sending import pause, send

# A server that is killed comes back within seconds; one that does not is a violation.
_TRIES_MAX = 600


class Partner:
    """A second thread with a connection of its own, to send what is sent at the same time."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._answers.put(send(self._asked.get()))

    def together(self, request: Request, point: str, cut: str) -> list[Answer]:
        """Send a request from both connections at once."""
        self._asked.put(request)
        mine = send(request, point=point, cut=cut)
        return [mine, self._answers.get()]


class Client:
    """A client with its desks, its journal and what it knows."""

    def __init__(self, seed: int, number: int, folder: Path, board: Board) -> None:
        self.number, self._board = number, board
        self._desk, self._hot = Desk(number), HotDesk(number)
        self._partner = Partner()
        path = journal_path(folder, number)
        self._waiting: Entry | None = None
        self._payday = 0
        # The openings stand before the plan's first operation.
        self._next = -2
        for entry in entries(path):
            self._remember(entry)
        self._journal = Journal(path)
        self._plan = operations(seed, number)

    def _remember(self, entry: Entry) -> None:
        self._next = max(self._next, entry.number + 1)
        if entry.answer is None:
            self._waiting = entry
        else:
            self._take(entry.request, entry.answer)

    def run(self) -> bool:
        """Ask until told to stop; say whether every answer was as the model said."""
        if self._waiting:
            entry = self._waiting
            operation = Operation(entry.number, entry.kind, 0, 0, False, "after", "", "")
            if not self._resolve(operation, entry.request, earlier_lost=1):
                return False
            self._next = max(self._next, entry.number + 1)
        for number, request in ((-2, self._desk.opening()), (-1, self._hot.opening())):
            opening = Operation(number, "open", 0, 0, False, "together", "", "")
            if number >= self._next and not self._ask(opening, request):
                return False
        for operation in islice(self._plan, max(self._next, 0), None):
            if self._board.is_over:
                break
            asked = self._at_payday(operation)
            if not self._ask(asked, self._draft(asked)):
                return False
        return True

    def _at_payday(self, operation: Operation) -> Operation:
        """Return what is asked instead when a fresh payable is there: all pay it at once."""
        payday = self._board.payday
        if payday == self._payday:
            return operation
        self._payday = payday
        return replace(operation, kind="hot_pay", point="begun")

    def _draft(self, operation: Operation) -> Request:
        if operation.kind.startswith("hot"):
            return self._hot.draft(operation, self._board.moment, self._board.payday)
        return self._desk.draft(operation)

    def _ask(self, operation: Operation, request: Request) -> bool:
        self._journal.ask(operation.number, operation.kind, request)
        return self._resolve(operation, request, earlier_lost=0)

    def _resolve(self, operation: Operation, request: Request, *, earlier_lost: int) -> bool:
        """Send a request until both sendings, or one after a loss, are answered; check and keep."""
        if operation.twice == "together":
            sendings = self._partner.together(request, operation.point, operation.cut)
        else:
            sendings = [send(request, point=operation.point, cut=operation.cut), send(request)]
        while all(one.is_lost for one in sendings):
            if len(sendings) > _TRIES_MAX:
                return self._contradict(operation.number, f"no answer to {request.identity}")
            pause(len(sendings))
            sendings.append(send(request))
        words = self._disagreement(operation, request, sendings, earlier_lost)
        if words:
            return self._contradict(operation.number, words)
        answer = _outcome(sendings)
        known = [one for one in sendings if not one.is_lost]
        replays = sum(one.is_replay for one in known)
        self._take(request, answer)
        lost = len(sendings) - len(known)
        self._journal.got(operation.number, answer, len(sendings), replays, lost)
        self._board.count(self.number)
        return True

    def _disagreement(
        self,
        operation: Operation,
        request: Request,
        sendings: list[Answer],
        earlier_lost: int,
    ) -> str:
        if request.is_shared:
            return hot.disagreement(
                request, sendings, earlier_lost, is_together=operation.twice == "together"
            )
        return disagreement(request, self._desk.book.expect(request), sendings, earlier_lost)

    def _contradict(self, number: int, words: str) -> bool:
        self._journal.bad(number, words)
        return False

    def _take(self, request: Request, answer: Answer) -> None:
        desk: Desk | HotDesk = self._hot if request.is_shared else self._desk
        desk.take(request, answer)


def _outcome(sendings: list[Answer]) -> Answer:
    """Return what a request came to: done if any sending was."""
    known = [one for one in sendings if not one.is_lost]
    return next((one for one in known if one.is_done), known[0])


def journal_path(folder: Path, client: int) -> Path:
    """Return where a client's journal is."""
    return folder / "journal" / f"client-{client}.jsonl"


def live(seed: int, number: int, folder: Path, board: Board) -> None:
    """Be a client until told to stop; end with code 3 when an answer contradicts the model."""
    os.environ["PGAPPNAME"] = f"chaos-client-{number}"
    connection.close()
    is_well = Client(seed, number, folder, board).run()
    connection.close()
    os._exit(0 if is_well else 3)
