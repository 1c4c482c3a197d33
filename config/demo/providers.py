"""What providers do besides selling: they are accredited, agree, register nodes, and some stop."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

from config.demo.people import BATCH_LASTS, Cast
from config.demo.world import Deed, Seller, World
from parties.models import Organisation, User
from parties.roles import OrganisationKind, Role
from providers import actions
from providers.actions import NodeEntry
from providers.models import AccreditationApplication, Agreement, Provider, Suspension

AI, CPU, SUPER = "AI_COMPUTE", "GENERAL_COMPUTE", "SUPERCOMPUTE"
# By slug: nodes of eight GPUs each on the first day. Each provider grew once since.
NODES = {
    "redpanda": 32,
    "crane": 24,
    "badger": 16,
    "tortoise": 16,
    "swallow": 16,
    "otter": 8,
    "gecko": 8,
}
GREW_BY, GPUS_OF_NODE = 8, 8
# Days of the demo with the part of a day, so that no dice are thrown for the hour.
STOPPED, RESUMED, GREW = 40.4, 61.4, 120.4
EXTENSION_ASKED, EXTENDED = 170.4, 176.4
NEXT_PUBLISHED, NEXT_ACCEPTED, NEXT_FROM = 200.4, 205.4, 230
REFUSED_ASKED, REFUSED = 208.4, 214.4
STOPPED_AGAIN, LAST_PUBLISHED, LAST_ACCEPTED = 250.4, 262.4, 266.4
NEWCOMER_ASKED, MOVED = 270.4, 271.4
# The last version is in force so long after its day that there is time to read it.
READING_TIME = timedelta(days=45)

_TITLE, _TITLE_ZH = "Framework agreement for compute vouchers", "算力券服务框架协议"
_TEXT = """\
1. The provider meters every GPU-hour that is paid with a voucher and keeps the readings.
2. It charges no voucher holder more than the price that it has published.
3. It reports usage within {days} days of the end of each period.
4. It opens its meters to the authority whenever the authority asks.
This is a demonstration; nobody is bound by it."""
_TEXT_ZH = """\
一、服务商对以算力券支付的每一卡时进行计量，并保存计量记录。
二、服务商向算力券持有单位收取的价格不得高于其公布的价格。
三、服务商应在每个结算期结束后{days}日内上报用量。
四、主管部门要求时，服务商应开放其计量系统供核查。
本文本仅供演示，对任何人不具约束力。"""
_REFUSED = (
    "The list of nodes shows rented machines without a contract for them. Please apply again "
    "with the contract."
)
_NOT_ALL = "General compute is granted. No supercomputer is on the list of nodes."
_AUDIT = "Two of three meters gave no readings for a month. The audit is under way."
_SETTLED = "The readings are complete again."
_LATE = "The yearly list of nodes was not sent in spite of two reminders."


class _Firm(NamedTuple):
    """Who sells, or would like to."""

    organisation: Organisation
    person: User


class Market:
    """The demo's providers and what their authorities ask of them."""

    def __init__(self, world: World, cast: Cast, newest: Seller) -> None:
        """Register everybody's nodes and agreements from the first day, and plan the rest."""
        self.world, self.cast = world, cast
        sellers = [*cast.sellers, newest]
        self.china = [one for one in sellers if one.organisation.country == "CN"]
        first = self._publish(world.calendar.start.date(), world.now)
        for seller in self.china:
            self._accept(first, seller, world.now)
        for seller in sellers:
            self._register(seller, NODES[seller.slug], world.now)
            self._plan(GREW, partial(self._grow, seller))
        self._plan_agreements()
        self._plan_extension(self.china[3])
        self._plan_stops(self._firm("Heron Standby Compute", "苍鹭备用算力", "heron"))
        self._plan_refusal(self._firm("Hedgehog Rented Compute", "刺猬租赁算力", "hedgehog"))
        self._plan_newcomer(
            self._firm("Wagtail Compute", "鹡鸰算力", "wagtail", has_password=True)
        )

    def _plan(self, day: float, deed: Deed) -> None:
        self.world.plan(self.world.calendar.at(day), deed)

    def _firm(self, name: str, name_zh: str, slug: str, *, has_password: bool = False) -> _Firm:
        organisation = self.cast.organisation(OrganisationKind.PROVIDER, name, name_zh, "CN")
        person = self.cast.person_of(
            organisation,
            Role.PROVIDER,
            slug,
            f"Demo provider, {name}",
            "演示服务商",
            has_password=has_password,
        )
        return _Firm(organisation, person)

    # --- agreements --------------------------------------------------------------------------

    def _publish(self, from_on: date, at: datetime, *, days: int = 15) -> Agreement:
        bureau = self.cast.bureau
        return actions.publish_agreement(
            authority=bureau.organisation,
            title=_TITLE,
            title_zh=_TITLE_ZH,
            text=_TEXT.format(days=days),
            text_zh=_TEXT_ZH.format(days=days),
            from_on=from_on,
            actor=bureau.officer,
            at=at,
            key=self.world.key(),
        )

    def _accept(self, agreement: Agreement, seller: Seller, at: datetime) -> None:
        actions.accept_agreement(
            agreement=agreement,
            organisation=seller.organisation,
            sha256=agreement.sha256,
            actor=seller.person,
            at=at,
            key=self.world.key(),
        )

    def _plan_agreements(self) -> None:
        """Let all accept the next version in time, and one the last, which waits for the rest."""
        published: list[Agreement] = []

        def publish_next(at: datetime) -> None:
            published.append(self._publish(self.world.calendar.on(NEXT_FROM), at, days=10))

        def publish_last(at: datetime) -> None:
            published.append(self._publish(at.date() + READING_TIME, at, days=5))

        def accept(sellers: Sequence[Seller], at: datetime) -> None:
            for seller in sellers:
                self._accept(published[-1], seller, at)

        self._plan(NEXT_PUBLISHED, publish_next)
        self._plan(NEXT_ACCEPTED, partial(accept, self.china))
        self._plan(LAST_PUBLISHED, publish_last)
        self._plan(LAST_ACCEPTED, partial(accept, self.china[:1]))

    # --- capacity ----------------------------------------------------------------------------

    def _register(self, seller: Seller, nodes: int, at: datetime) -> None:
        actions.record_capacity(
            provider=seller.provider,
            nodes=[self._node(seller, number, None) for number in range(1, nodes + 1)],
            file_name="nodes.csv",
            actor=seller.person,
            at=at,
            key=self.world.key(),
        )

    def _node(self, seller: Seller, number: int, from_at: datetime | None) -> NodeEntry:
        return NodeEntry(
            f"{seller.slug}-{number:03d}",
            seller.offer.resource_class,
            GPUS_OF_NODE,
            seller.organisation.region,
            from_at,
            None,
        )

    def _grow(self, seller: Seller, at: datetime) -> None:
        first, begun = NODES[seller.slug], self.world.calendar.start
        actions.record_capacity(
            provider=seller.provider,
            nodes=[
                self._node(seller, number, begun if number <= first else None)
                for number in range(1, first + GREW_BY + 1)
            ],
            file_name="nodes.csv",
            actor=seller.person,
            at=at,
            key=self.world.key(),
        )

    # --- accreditation -----------------------------------------------------------------------

    def _plan_extension(self, seller: Seller) -> None:
        """Let a provider ask for two items more, and be granted one of them in a later batch."""
        firm = _Firm(seller.organisation, seller.person)
        sent: list[AccreditationApplication] = []

        def ask(at: datetime) -> None:
            sent.append(self.cast.ask_for_accreditation(*firm, [CPU, SUPER], at))

        def extend(at: datetime) -> None:
            self.cast.decide_accreditation(
                sent[0], [CPU], at, number=2, last=at.date() + BATCH_LASTS, reasons=_NOT_ALL
            )

        self._plan(EXTENSION_ASKED, ask)
        self._plan(EXTENDED, extend)

    def _plan_stops(self, firm: _Firm) -> None:
        """Let a provider without offers be suspended, resumed, and suspended again."""
        bureau, now = self.cast.bureau, self.world.now
        sent = self.cast.ask_for_accreditation(*firm, [AI, CPU], now)
        self.cast.decide_accreditation(sent, [AI, CPU], now, last=now.date() + BATCH_LASTS)
        provider = Provider.objects.get(organisation=firm.organisation)

        def stop(reason: str, bills: str) -> Deed:
            def suspend(at: datetime) -> None:
                actions.suspend_provider(
                    provider=provider,
                    note=reason,
                    bills=bills,
                    actor=bureau.officer,
                    at=at,
                    key=self.world.key(),
                )

            return suspend

        def resume(at: datetime) -> None:
            actions.lift_suspension(
                suspension=provider.suspensions.get(),
                note=_SETTLED,
                actor=bureau.second_officer,
                at=at,
                key=self.world.key(),
            )

        self._plan(STOPPED, stop(_AUDIT, Suspension.Bills.WAIT))
        self._plan(RESUMED, resume)
        self._plan(STOPPED_AGAIN, stop(_LATE, Suspension.Bills.CONTINUE))

    def _plan_refusal(self, firm: _Firm) -> None:
        sent: list[AccreditationApplication] = []

        def ask(at: datetime) -> None:
            sent.append(self.cast.ask_for_accreditation(*firm, [AI], at))

        def refuse(at: datetime) -> None:
            self.cast.decide_accreditation(sent[0], [], at, reasons=_REFUSED)

        self._plan(REFUSED_ASKED, ask)
        self._plan(REFUSED, refuse)

    def _plan_newcomer(self, firm: _Firm) -> None:
        """Leave an application that waits, and a changed account in its cooling-off."""

        def ask(at: datetime) -> None:
            self.cast.ask_for_accreditation(*firm, [AI], at)

        def move(at: datetime) -> None:
            mover = self.china[2]
            self.cast.pay_into(mover.organisation, mover.person, at)

        self._plan(NEWCOMER_ASKED, ask)
        self._plan(MOVED, move)
