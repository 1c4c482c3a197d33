"""Ask the real ledger what the model was asked, and tell its answer in the model's words."""

from django.db import transaction

from common.errors import Refused
from ledger import actions as ledger
from ledger import queries
from ledger.kinds import ActKind
from tests.ledger import model

# Keys are unique within the kind of act, as they are within the kind of request.
KINDS = {
    model.Open: ActKind.OPEN_ROUND,
    model.Post: ActKind.ISSUE_VOUCHER,
    model.Hold: ActKind.PLACE_HOLD,
    model.Capture: ActKind.SETTLE_BILL,
    model.Release: ActKind.RELEASE_HOLD,
    model.Lapse: ActKind.LAPSE_HOLD,
    model.Reverse: ActKind.CORRECT_TRANSFER,
}


class Asker:
    """One that puts requests, and remembers the numbers which the ledger gave to what they made."""

    def __init__(self) -> None:
        self.holds: dict[str, int] = {}
        self.transfers: dict[tuple[str, int], int] = {}
        self.acts: dict[tuple[type[model.Request], str], int] = {}

    def ask(self, request: model.Request) -> str:
        """Put a request; return `DONE`, `REPLAYED` or the refusal's code."""
        try:
            return self._asked(request)
        except Refused as refusal:
            return refusal.code

    @transaction.atomic
    def _asked(self, request: model.Request) -> str:
        name = (type(request), request.key)
        act = ledger.begin(
            kind=KINDS[type(request)],
            key=request.key,
            actor="user:1",
            about="book:1",
            at=request.at,
            payload={"content": request.content},
        )
        if act.is_replay:
            # The first answer is the act that was done then, whatever it was asked again with.
            assert act.id == self.acts[name]
            return model.REPLAYED
        self._do(act, request)
        self.acts[name] = act.id
        return model.DONE

    def _do(self, act: ledger.Act, request: model.Request) -> None:
        match request:
            case model.Open(address=address, kind=kind, unit=unit):
                ledger.open_account(act, address, kind, unit)
            case model.Post(moves=moves):
                ledger.post(act, [_move(move) for move in moves])
                for number, transfer in enumerate(queries.transfers_of(act.id)):
                    self.transfers[request.key, number] = transfer.id
            case model.Hold(move=move, expires_at=expires_at):
                hold = ledger.place_hold(act, _move(move), expires_at=expires_at)
                self.holds[request.key] = hold
            case model.Capture(takes=takes):
                self._capture(act, request.key, takes)
            case model.Release(holds=holds):
                ledger.release(act, [self.holds.get(hold, 0) for hold in holds])
            case model.Lapse(holds=holds):
                ledger.lapse(act, [self.holds.get(hold, 0) for hold in holds])
            case model.Reverse(made_by=made_by, number=number):
                transfer = self.transfers.get((made_by, number), 0)
                made = ledger.reverse(act, transfer, ref=made_by)
                self.transfers[request.key, 0] = made

    def _capture(self, act: ledger.Act, key: str, takes: tuple[model.Take, ...]) -> None:
        ledger.capture(
            act,
            [
                ledger.Capture(self.holds.get(take.hold, 0), take.amount, take.is_final)
                for take in takes
            ],
        )
        captured = dict(
            queries.transfers_of(act.id).filter(kind=3).values_list("hold_id", "id")
        )
        for number, take in enumerate(takes):
            if take.amount:
                self.transfers[key, number] = captured[self.holds[take.hold]]


def _move(move: model.Move) -> ledger.Move:
    return ledger.Move(move.flow, move.debit, move.credit, move.amount, "ref")
