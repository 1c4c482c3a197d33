"""One client's desk: turns the plan's words into requests on the client's own book."""

from bench.chaos.model import Answer, Book, Held, Request
from bench.chaos.plan import Operation
from ledger.kinds import AccountKind, ActKind, Flow

VOUCHERS, PAYEES = 10, 3
BUDGET = 10**15
VOUCHER_AMOUNT = 50_000_00
# Holds last so many seconds of the book's own time, in which one request takes one second.
SHORT, LONG = 40, 10_000_000
_KEPT = 64


class Desk:
    """Drafts requests whose answers are all known before: nobody else touches this book."""

    def __init__(self, client: int) -> None:
        self.programme = f"C{client}"
        self.book = Book()
        self.payments: list[tuple[str, str, int]] = []
        self._open: list[int] = []
        self._closed: list[int] = [0]
        self._acts: list[int] = [0]
        self._done: list[Request] = []

    def address(self, kind: str, *parts: str) -> str:
        """Return an address of the client's own programme."""
        return ":".join((kind, self.programme, *parts))

    def opening(self) -> Request:
        """Return the request that opens the book and allots its budget."""
        root, available = self.address("appropriation", "2025"), self.address("available")
        opens = [
            (root, AccountKind.APPROPRIATION),
            (available, AccountKind.AVAILABLE),
            (self.address("expired"), AccountKind.EXPIRED),
            (self.address("lapsed"), AccountKind.LAPSED),
        ]
        for payee in range(PAYEES):
            opens.append((self._payable(payee), AccountKind.PROVIDER_PAYABLE))
            opens.append((self.address("paid", f"O-{payee}"), AccountKind.PAID))
        opens += [(self._voucher(one), AccountKind.VOUCHER) for one in range(VOUCHERS)]
        return Request(
            kind=ActKind.OPEN_ROUND.value,
            key=f"open {self.programme}",
            at=0,
            opens=tuple((address, kind.value) for address, kind in opens),
            moves=((Flow.ALLOT.value, root, available, BUDGET),),
        )

    def draft(self, operation: Operation) -> Request:
        """Return what an operation of the plan asks for, as things stand."""
        request: Request = getattr(self, f"_{operation.kind}")(operation)
        return request

    def take(self, request: Request, answer: Answer) -> None:
        """Write down the answer to a request of this desk."""
        if not answer.is_done or request.reuses_key:
            return
        self.book.take(request, answer)
        _keep(self._done, request)
        if request.hold:
            self._open.append(answer.number)
        touched = [hold for hold, _amount, _final in request.captures]
        for hold in (*touched, *request.releases, *request.lapses):
            if not self.book.remaining(hold):
                self._open.remove(hold)
                _keep(self._closed, hold)
        if request.kind in (ActKind.ISSUE_VOUCHER, ActKind.SETTLE_BILL):
            if answer.act in self.book.movable:
                _keep(self._acts, answer.act)
        elif request.kind == ActKind.RELEASE_BATCH:
            _flow, payable, clearing, amount = request.moves[0]
            self.payments.append((clearing, payable, amount))
        elif request.kind in (ActKind.CONFIRM_PAYMENT, ActKind.RETURN_PAYMENT):
            self.payments = [one for one in self.payments if one[0] != request.moves[0][1]]

    # --- what each kind of operation asks ----------------------------------------------------

    def _issue(self, operation: Operation) -> Request:
        voucher = self._voucher(operation.place)
        available = self.address("available")
        amount = VOUCHER_AMOUNT * operation.share // 1_000 + 1
        if operation.share > 1_000:
            amount += self.book.accounts[available].free
        move = (Flow.ISSUE.value, available, voucher, amount)
        opens = ((voucher, AccountKind.VOUCHER.value),)
        return self._request(ActKind.ISSUE_VOUCHER, operation, opens=opens, moves=(move,))

    def _hold(self, operation: Operation) -> Request:
        voucher = self._voucher(operation.place)
        amount = _part(self.book.accounts[voucher].free, operation.share)
        lasts = SHORT if operation.is_final else LONG
        payable = self._payable(operation.place // VOUCHERS)
        hold = (Flow.REDEEM.value, voucher, payable, amount, operation.number + lasts)
        return self._request(ActKind.PLACE_HOLD, operation, hold=hold)

    def _capture(self, operation: Operation) -> Request:
        hold = self._some_hold(operation.place)
        amount = _part(self.book.remaining(hold), operation.share)
        captures = ((hold, amount, operation.is_final),)
        return self._request(ActKind.SETTLE_BILL, operation, captures=captures)

    def _settle(self, operation: Operation) -> Request:
        """Settle a bill: several holds in one act, one of them perhaps beyond what it has."""
        first = operation.place % max(1, len(self._open))
        holds = sorted(self._open[first : first + 4]) or [self._closed[-1]]
        captures = [(one, _part(self.book.remaining(one), 300), True) for one in holds]
        if operation.share > 1_000:
            hold, amount, _final = captures[-1]
            captures[-1] = (hold, self.book.remaining(hold) + amount, False)
        return self._request(ActKind.SETTLE_BILL, operation, captures=tuple(captures))

    def _release(self, operation: Operation) -> Request:
        holds = (self._some_hold(operation.place),)
        return self._request(ActKind.RELEASE_HOLD, operation, releases=holds)

    def _lapse(self, operation: Operation) -> Request:
        """Lapse the hold that lapses first; now and then any hold, mostly too early."""
        hold = self._some_hold(operation.place)
        if operation.share <= 800 and self._open:
            hold = min(self._open, key=lambda one: self._held(one).expires_at)
        return self._request(ActKind.LAPSE_HOLD, operation, lapses=(hold,))

    def _expire(self, operation: Operation) -> Request:
        voucher = self._voucher(operation.place)
        amount = _part(self.book.accounts[voucher].free, operation.share)
        expired, available = self.address("expired"), self.address("available")
        moves = (
            (Flow.EXPIRE.value, voucher, expired, amount),
            (Flow.DECOMMIT.value, expired, available, amount),
        )
        return self._request(ActKind.EXPIRE_VOUCHER, operation, moves=moves)

    def _lapse_budget(self, operation: Operation) -> Request:
        available, lapsed = self.address("available"), self.address("lapsed")
        free = self.book.accounts[available].free
        amount = free + 1 if operation.share > 1_000 else 1 + operation.share
        move = (Flow.LAPSE.value, available, lapsed, amount)
        return self._request(ActKind.EXPIRE_VOUCHER, operation, moves=(move,))

    def _reverse(self, operation: Operation) -> Request:
        act = self._acts[operation.place % len(self._acts)]
        return self._request(ActKind.CORRECT_TRANSFER, operation, reverses=act)

    def _instruct(self, operation: Operation) -> Request:
        payable = self._payable(operation.place)
        clearing = self.address("clearing", f"B-{operation.number}")
        amount = _part(self.book.accounts[payable].free, operation.share)
        move = (Flow.INSTRUCT.value, payable, clearing, amount)
        opens = ((clearing, AccountKind.CLEARING.value),)
        return self._request(ActKind.RELEASE_BATCH, operation, opens=opens, moves=(move,))

    def _pay(self, operation: Operation) -> Request:
        """Confirm or return a payment; more than was instructed when the share says so."""
        if not self.payments:
            return self._instruct(operation)
        clearing, payable, amount = self.payments[operation.place % len(self.payments)]
        amount += 1 if operation.share > 1_000 else 0
        if operation.is_final:
            move = (Flow.RETURN_PAYMENT.value, clearing, payable, amount)
            return self._request(ActKind.RETURN_PAYMENT, operation, moves=(move,))
        paid = self.address("paid", payable.rpartition(":")[2])
        move = (Flow.PAY.value, clearing, paid, amount)
        return self._request(ActKind.CONFIRM_PAYMENT, operation, moves=(move,))

    def _reuse_key(self, operation: Operation) -> Request:
        """Ask with the key of a request that was done, for something else."""
        if not self._done:
            return self._issue(operation)
        earlier = self._done[operation.place % len(self._done)]
        move = (Flow.ISSUE.value, self.address("available"), self._voucher(0), 1)
        return Request(
            kind=earlier.kind,
            key=earlier.key,
            at=operation.number,
            moves=(move, move),
            reuses_key=True,
        )

    # --- places ------------------------------------------------------------------------------

    def _request(self, kind: ActKind, operation: Operation, **parts: object) -> Request:
        key = f"{self.programme}/{operation.number}"
        return Request(kind=kind.value, key=key, at=operation.number, **parts)  # type: ignore[arg-type]

    def _voucher(self, place: int) -> str:
        return self.address("voucher", f"V-{place % VOUCHERS}")

    def _payable(self, place: int) -> str:
        return self.address("provider_payable", f"O-{place % PAYEES}")

    def _held(self, hold: int) -> Held:
        return self.book.holds[hold]

    def _some_hold(self, place: int) -> int:
        """Return an open hold, or now and then one that is closed or never was."""
        if not self._open or place % 20 == 0:
            return self._closed[place % len(self._closed)]
        return self._open[place % len(self._open)]


def _part(whole: int, share: int) -> int:
    """Return a share in thousandths, at least 1; a share of more than all is more than all."""
    if share > 1_000:
        return whole + 1 + whole * (share - 1_000) // 1_000
    return max(1, whole * share // 1_000)


def _keep(kept: list[object] | list[int] | list[Request], one: object) -> None:
    """Remember the newest things; forget the oldest."""
    kept.append(one)  # type: ignore[arg-type]
    del kept[:-_KEPT]
