"""How vouchers are used: orders and their holds, jobs, claims, returns, and vouchers on hold."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from common.days import end_of
from common.money import GPU_MS_PER_HOUR
from config.demo.outcomes import plan_report
from config.demo.programmes import CLAIMS, HOURS
from config.demo.usage import WORK_DAYS, work
from config.demo.world import Applicant, Scheme, Shop, World
from providers.queries import price_in_force
from vouchers import actions, queries
from vouchers.models import Order, Voucher

SHARE = Decimal("0.60")  # what the offset programme covers of a price
# By round and applicant's place: who gives a voucher back, or has it put on hold.
_RETURNS = {(0, 5), (1, 7), (1, 12)}
_RETURNS_SMALL = {(1, 3)}
_ON_HOLD = {(2, 9), (2, 14)}
_ON_HOLD_FOR_A_WEEK = {(0, 8)}
_RELEASES = 4
_HOLD_NOTE = "The organisation's address could not be confirmed; no new orders until it is."
_RESUME_NOTE = "The address is confirmed."
_REVOKED_ON = 271
_REVOKE_NOTE = "The hours were used for another project than the one that was awarded."


class Life:
    """Plans what becomes of each voucher, by how much its holder tends to use."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._shops: dict[tuple[str, int], Shop] = {}
        self._last_round_orders = 0
        self.claims: Callable[[Scheme, Applicant, Voucher, Shop, datetime], None]
        # Orders that a provider answers: of the first voucher of the last round that is used.
        self.answers: Callable[[Applicant, Voucher, datetime], None]
        self._is_answered = False

    def shop_of(self, scheme: Scheme, place: int) -> Shop:
        """Return the provider with which an applicant has its contract."""
        known = (scheme.programme.code, place)
        if known not in self._shops:
            self._shops[known] = self._any_shop(scheme)
        return self._shops[known]

    def _any_shop(self, scheme: Scheme) -> Shop:
        weights = [shop.seller.weight for shop in scheme.shops]
        return self.world.random.choices(scheme.shops, weights)[0]

    def begin(
        self, scheme: Scheme, applicant: Applicant, voucher: Voucher, number: int
    ) -> None:
        """Plan the life of a voucher that was issued today, in the round of a number."""
        place = scheme.applicants.index(applicant)
        used = self._used(applicant)
        is_offset = scheme.programme.code not in (CLAIMS, HOURS)
        plan_report(self.world, applicant, voucher, used)
        if scheme.programme.code == CLAIMS:
            self._plan_contract(scheme, applicant, voucher, used)
            return
        returns = _RETURNS_SMALL if self.world.is_small else _RETURNS
        if is_offset and (number, place) in returns:
            self._plan_return(applicant, voucher)
            return
        if is_offset and (number, place) in _ON_HOLD | _ON_HOLD_FOR_A_WEEK:
            self._plan_pause(scheme, voucher, is_short=number == 0)
        if scheme.programme.code == HOURS and (number, place) == (2, 1):
            self._plan_pause(scheme, voucher, is_short=False)
        if scheme.programme.code == HOURS and (number, place) == (2, 0):
            self._plan_revocation(scheme, voucher)
        self._plan_orders(scheme, applicant, voucher, used, is_last=number == 2)
        if is_offset and number == 2 and used < 60 and not self._is_answered:
            self._is_answered = True
            # At an hour that is given: no dice are thrown that the rest of the year would miss.
            self.world.plan_on(
                self.world.today() + 2.5, lambda at: self.answers(applicant, voucher, at)
            )

    def _used(self, applicant: Applicant) -> int:
        """Return how many percent of a voucher will be used; 101 uses it up."""
        if applicant.script:
            return 101 if applicant.diligence == 100 else 12
        drawn = applicant.diligence + self.world.random.randint(-12, 12)
        return 101 if drawn >= 90 else max(drawn, 0)

    # --- orders --------------------------------------------------------------------------

    def _plan_orders(
        self,
        scheme: Scheme,
        applicant: Applicant,
        voucher: Voucher,
        used: int,
        *,
        is_last: bool,
    ) -> None:
        world = self.world
        first = world.today() + (1 if is_last else 2 + world.random.randrange(4))
        ends = world.calendar.number(end_of(voucher.valid_until_on, voucher.programme.zone))
        last = int(ends) - WORK_DAYS - 2
        if is_last:
            last = min(last, first + 14)
        count = 1 if used < 35 else 2 if used < 75 else 3
        if is_last and used > 100 and not applicant.script:
            count = 1  # used up before the demo's last day
        if used < 8 and not (is_last or applicant.script):
            count = 0  # idle: nothing is ordered at all
        gap = max((last - first) // max(count, 1), 1)
        for turn in range(count):
            # 33 + 33 + all that is free for a voucher that is used up.
            share = 100 if used > 100 and turn == count - 1 else max(used // count, 3)
            placing = _Placing(self, scheme, applicant, voucher, share, is_last and turn == 0)
            day = min(first + turn * gap, last)
            world.plan_on(day, placing.place)
        if used < 60 and not is_last:
            spare = _Placing(self, scheme, applicant, voucher, 10, False, is_idle=True)
            world.plan_on(min(first + count * gap, last), spare.place)

    def next_of_last_round(self, scheme: Scheme) -> Shop:
        """Return each provider in turn, so that all have something to bill at the end."""
        self._last_round_orders += 1
        return scheme.shops[self._last_round_orders % len(scheme.shops)]

    # --- claims --------------------------------------------------------------------------

    def _plan_contract(
        self, scheme: Scheme, applicant: Applicant, voucher: Voucher, used: int
    ) -> None:
        world = self.world
        shop = self.shop_of(scheme, scheme.applicants.index(applicant))
        fee = Decimal(str(voucher.award.application.answers["fee_total"]))
        price = price_in_force(shop.seller.offer, world.now, voucher.unit)
        assert price is not None
        # The fee is for the use, and a twentieth of it for storage.
        hours = int(fee * max(used, 4) / 100 * Decimal("0.96") / price.rate) + 1
        starts = world.now + world.calendar.day
        work(
            world,
            shop,
            voucher,
            voucher.code,
            hours * GPU_MS_PER_HOUR,
            starts,
            WORK_DAYS * 2 if world.today() < 200 else 8,
        )
        day = world.today() + (WORK_DAYS * 2 + 18 if world.today() < 200 else 17)
        world.plan_on(day, lambda at: self.claims(scheme, applicant, voucher, shop, at))

    # --- endings -------------------------------------------------------------------------

    def _plan_return(self, applicant: Applicant, voucher: Voucher) -> None:
        def give_back(at: datetime) -> None:
            actions.return_voucher(
                voucher=voucher,
                amount=None,
                actor=applicant.person,
                at=at,
                key=self.world.key(),
            )

        self.world.plan_on(self.world.today() + 30, give_back)

    def _plan_revocation(self, scheme: Scheme, voucher: Voucher) -> None:
        officer, world = scheme.office.officer, self.world

        def revoke(at: datetime) -> None:
            actions.revoke_voucher(
                voucher=voucher,
                note=_REVOKE_NOTE,
                may_apply_again=True,
                actor=officer,
                at=at,
                key=world.key(),
            )

        world.plan_on(_REVOKED_ON, revoke)

    def _plan_pause(self, scheme: Scheme, voucher: Voucher, *, is_short: bool) -> None:
        officer, world = scheme.office.officer, self.world

        def pause(at: datetime) -> None:
            actions.suspend_voucher(
                voucher=voucher, note=_HOLD_NOTE, actor=officer, at=at, key=world.key()
            )

        def resume(at: datetime) -> None:
            actions.resume_voucher(
                voucher=voucher, note=_RESUME_NOTE, actor=officer, at=at, key=world.key()
            )

        if is_short:
            world.plan_on(world.today() + 100, pause)
            world.plan_on(world.today() + 107, resume)
        else:
            world.plan_on(268, pause)


class _Placing:
    """One order: the hold, the work under it and, now and then, the release of the rest."""

    def __init__(
        self,
        life: Life,
        scheme: Scheme,
        applicant: Applicant,
        voucher: Voucher,
        share: int,
        is_last: bool,
        is_idle: bool = False,
    ) -> None:
        self.life, self.world, self.scheme = life, life.world, scheme
        self.applicant, self.voucher, self.share = applicant, voucher, share
        self.is_last, self.is_idle = is_last, is_idle

    def place(self, at: datetime) -> None:
        """Set value aside for so much of the voucher, and let the jobs run."""
        free = queries.voucher_balance(self.voucher).free
        wanted = min(free, self.voucher.amount * self.share // 100)
        if wanted <= 0:
            return
        money_shop = self.scheme.programme.code != HOURS
        shop = (
            self.life.next_of_last_round(self.scheme)
            if self.is_last and money_shop
            else self.life._any_shop(self.scheme)
        )
        is_all = wanted == free
        hours = self._hours(shop, wanted, at, is_all=is_all)
        if not hours:
            return
        try:
            order = self._order(shop, hours, at)
        except actions.VoucherSuspended:
            return
        if self.is_idle:
            return
        percent = 102 if is_all else self.world.random.randint(88, 100)
        work(
            self.world,
            shop,
            self.voucher,
            order.provider_reference or order.code,
            hours * GPU_MS_PER_HOUR * percent // 100,
            at + self.world.calendar.day / 4,
            WORK_DAYS,
        )
        if not is_all and self.world.random.randrange(_RELEASES) == 0:
            self.world.plan_on(
                self.world.today() + 44, lambda later: self._release(shop, order, later)
            )

    def _hours(self, shop: Shop, wanted: int, at: datetime, *, is_all: bool) -> int:
        if self.voucher.unit.startswith("GPU:"):
            return -(-wanted // GPU_MS_PER_HOUR) if is_all else wanted // GPU_MS_PER_HOUR
        price = price_in_force(shop.seller.offer, at, self.voucher.unit)
        assert price is not None
        exact = Decimal(wanted) / (price.rate * 100 * SHARE)
        return int(exact) + 1 if is_all else int(exact)

    def _order(self, shop: Shop, hours: int, at: datetime) -> Order:
        world = self.world
        if world.random.randrange(2):
            return actions.place_hold(
                voucher=self.voucher,
                offer=shop.seller.offer,
                hours=Decimal(hours),
                provider_reference=f"acct-{next(shop.numbers)}",
                actor=self.applicant.person,
                at=at,
                key=world.key(),
            )
        return actions.redeem_code(
            redemption_code=self.voucher.redemption_code,
            provider=shop.seller.provider,
            offer=shop.seller.offer,
            hours=Decimal(hours),
            provider_reference=f"acct-{next(shop.numbers)}",
            actor=shop.seller.provider.address,
            at=at,
            key=world.key(),
        )

    def _release(self, shop: Shop, order: Order, at: datetime) -> None:
        if queries.order_of(self.applicant.person, order.code).status != Order.Status.OPEN:
            return
        if queries.has_bill_unsettled(order):
            return
        actions.release_hold(
            order=order,
            actor=shop.seller.person,
            at=at,
            key=self.world.key(),
        )


def sweep(world: World) -> None:
    """Plan the daily sweeps of the whole time: holds that lapse, vouchers that expire."""

    def once(at: datetime) -> None:
        for order in queries.orders_lapsed_by(at):
            actions.lapse_hold(order=order, at=at, key=f"lapse:{order.code}")
        for voucher in queries.vouchers_expired_by(at):
            taken = queries.voucher_balance(voucher).debit
            key = f"expire:{voucher.code}:{taken}"
            actions.expire_voucher(voucher=voucher, at=at, key=key)

    for day in range(1, int(world.calendar.number(world.calendar.until)) + 1):
        world.plan(world.calendar.at(day + 0.05), once)
