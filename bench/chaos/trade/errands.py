"""Which errands there are, how often each is run, and the process that runs them."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from bench.chaos.board import Board
from bench.chaos.trade import bills, ends, orders, payments
from bench.chaos.trade.answers import Contradiction
from bench.chaos.trade.asking import Trade
from bench.chaos.trade.scene import ensure_scene

ERRANDS: dict[str, tuple[int, Callable[[Trade], None]]] = {
    "redeem": (6, orders.redeem),
    "bill_by_api": (3, bills.bill_by_api),
    "bill_swept": (4, bills.bill_swept),
    "lapse": (2, orders.lapse),
    "release": (2, orders.release),
    "confirm": (2, bills.confirm),
    "dispute": (3, bills.dispute),
    "correct": (2, bills.correct),
    "pay": (1, payments.pay),
    "pay_by_page": (2, payments.pay_by_page),
    "recover": (1, ends.recover),
    "close": (1, ends.close),
    "expire": (1, orders.expire),
}
_REST_SECONDS = 0.6


def run(trade: Trade, done: int, board: Board) -> bool:
    """Run errands until told to stop; say whether every answer was as it must be.

    The first `done` were finished in an earlier sitting.
    """
    kinds = [kind for kind, (weight, _errand) in ERRANDS.items() for _ in range(weight)]
    while not board.is_over:
        kind = trade.draw(kinds)
        if trade.errand >= done:
            _weight, errand = ERRANDS[kind]
            try:
                errand(trade)
            except Contradiction as contradiction:
                trade.write("bad", trade.errand, str(contradiction))
                return False
            trade.write("errand", trade.errand, kind)
            time.sleep(_REST_SECONDS)
        trade.errand += 1
    return True


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
    path = journal_path(folder)
    trade = Trade(seed, path, address, ensure_scene(folder / "scene.json"))
    os._exit(0 if run(trade, errands_done(path), board) else 3)
