"""What all clients want at once: one budget, one voucher, one hold a moment, one payable."""

from bench.chaos.model import Answer, Expected, Request, once
from bench.chaos.plan import CLIENTS, Operation
from ledger.kinds import AccountKind, ActKind, Flow

# A new hold and a new payable are raced for so often.
MOMENT_SECONDS = 1.0
HELD = 1_000_00
_MOMENTS_KEPT = 30
_BUDGET, _VOUCHER, _OTHER = "available:HOT", "voucher:HOT:V-1", "voucher:HOT:V-2"
_ROOT = "appropriation:HOT:2025"


class HotDesk:
    """Drafts requests on shared things: any answer in bounds will do, the sums must fit."""

    def __init__(self, client: int) -> None:
        self._client = client
        # The last moments that this client has seen: number and hold.
        self._moments: list[tuple[int, int]] = []
        self._payday = 0

    @staticmethod
    def opening() -> Request:
        """Return the request that opens the shared book; every client sends it."""
        opens = (
            (_ROOT, AccountKind.APPROPRIATION.value),
            (_BUDGET, AccountKind.AVAILABLE.value),
            (_VOUCHER, AccountKind.VOUCHER.value),
            (_OTHER, AccountKind.VOUCHER.value),
            # One a client: a payable's debits must not meet anywhere but at the payable.
            *((_clearing(one), AccountKind.CLEARING.value) for one in range(CLIENTS)),
        )
        return Request(ActKind.OPEN_ROUND.value, "open HOT", 0, opens=opens, is_shared=True)

    def draft(self, operation: Operation, moment: int, payday: int) -> Request:
        """Return what an operation asks for; first of all that the moment's hold is placed."""
        self._payday = payday
        is_old = not self._moments or self._moments[-1][0] != moment
        if not self._moments or (is_old and operation.kind != "hot_pay"):
            return self._begin_moment(moment)
        request: Request = getattr(self, f"_{operation.kind}")(operation)
        return request

    def take(self, request: Request, answer: Answer) -> None:
        """Write down the answer to a request of this desk."""
        if not answer.is_done:
            return
        if request.kind == ActKind.PLACE_HOLD and request.opens:
            self._moments.append((int(request.key.rpartition(" ")[2]), answer.number))
            del self._moments[:-_MOMENTS_KEPT]

    @staticmethod
    def _begin_moment(moment: int) -> Request:
        """Return the one request that places a moment's hold; whoever is first does it."""
        payable = _payable(moment)
        return Request(
            kind=ActKind.PLACE_HOLD.value,
            key=f"HOT moment {moment}",
            at=moment,
            opens=((payable, AccountKind.PROVIDER_PAYABLE.value),),
            moves=(
                (Flow.ALLOT.value, _ROOT, _BUDGET, 4 * HELD),
                (Flow.ISSUE.value, _BUDGET, _VOUCHER, 2 * HELD),
            ),
            hold=(Flow.REDEEM.value, _VOUCHER, payable, HELD, 10**8),
            is_shared=True,
        )

    def _hot_capture(self, operation: Operation) -> Request:
        _moment, hold = self._moments[-1]
        amount = max(1, HELD * min(operation.share, 1_500) // 1_000)
        captures = ((hold, amount, operation.is_final and operation.share > 300),)
        return self._request(ActKind.SETTLE_BILL, operation, captures=captures)

    def _hot_pay(self, operation: Operation) -> Request:
        """Send what an earlier moment made payable to the bank: so much that only one can."""
        known = [moment for moment, _hold in self._moments if moment <= self._payday]
        moment = known[-1] if known else self._moments[0][0]
        amount = HELD * (500 + min(operation.share, 400)) // 1_000
        move = (Flow.INSTRUCT.value, _payable(moment), _clearing(self._client), amount)
        return self._request(ActKind.RELEASE_BATCH, operation, moves=(move,))

    def _hot_issue(self, operation: Operation) -> Request:
        move = (Flow.ISSUE.value, _BUDGET, _OTHER, max(1, HELD * operation.share // 1_000))
        return self._request(ActKind.ISSUE_VOUCHER, operation, moves=(move,))

    def _hot_hold(self, operation: Operation) -> Request:
        moment, _hold = self._moments[-1]
        amount = max(1, HELD * operation.share // 1_000)
        hold = (Flow.REDEEM.value, _VOUCHER, _payable(moment), amount, 10**8)
        return self._request(ActKind.PLACE_HOLD, operation, hold=hold)

    def _hot_reverse(self, operation: Operation) -> Request:
        """Undo what was captured first of the moment's hold, whoever did it: once."""
        _moment, hold = self._moments[-1]
        return self._request(ActKind.CORRECT_TRANSFER, operation, reverses=-hold)

    def _request(self, kind: ActKind, operation: Operation, **parts: object) -> Request:
        return Request(
            kind=kind.value,
            key=f"HOT/{self._client}/{operation.number}",
            at=operation.number,
            is_shared=True,
            **parts,  # type: ignore[arg-type]
        )


def _clearing(client: int) -> str:
    return f"clearing:HOT:B-{client}"


def _payable(moment: int) -> str:
    return f"provider_payable:HOT:O-{moment}"


def disagreement(
    request: Request, sendings: list[Answer], earlier_lost: int, *, is_together: bool
) -> str:
    """Return in words how the answers to a shared request are out of bounds; empty if they fit.

    Others change what is there between the sendings: a first one may be refused and a second one
    done, but not the other way round unless they ran together.
    """
    known = [one for one in sendings if not one.is_lost]
    for one in known:
        words = _out_of_bounds(request, one)
        if words:
            return words
    done = [one for one in known if one.is_done]
    if done and known[-1].code and not is_together:
        return f"{request.identity} was done and then refused: {known[-1]}"
    # The others ask for the same moment and the same book with the same key.
    others = 1 if request.opens else 0
    return once(request, done, len(sendings) - len(known) + earlier_lost + others)


def _out_of_bounds(request: Request, answer: Answer) -> str:
    facts = dict(answer.facts)
    allowed = Expected().code
    if request.captures:
        amount = request.captures[0][1]
        remaining = facts.get("remaining", HELD)
        allowed = "hold_closed" if remaining < amount or not remaining else allowed
    elif request.reverses is not None:
        allowed = answer.code if answer.code in ("not_reversible", "not_enough") else allowed
    elif not request.opens:
        allowed = "not_enough" if facts.get("short_by", 0) > 0 else allowed
    if answer.code in ("", allowed):
        return ""
    return f"{request} was answered {answer}"
