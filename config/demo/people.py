"""Who takes part: authorities and their people, providers with their offers, applicants."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from stdnum.cn import uscc

from common.files import checked_file
from config.demo.names import BRITAIN, CHINA, STALLS, Name, Stall
from config.demo.world import Account, Applicant, Office, Seller, World
from ledger.actions import SYSTEM
from parties import actions as parties
from parties.models import BankDetail, Organisation, User
from parties.roles import OrganisationKind, Role
from providers import actions as providers
from providers.models import AccreditationApplication, Provider

# Said openly to whoever runs the demo; no account outside @demo.example has it.
DEMO_PASSWORD = "tessera-demo-2026"  # noqa: S105
DOMAIN = "demo.example"
CHINESE_READERS = ("officer.b", "finance.b", "lychee", "crane", "osmanthus")
# How long a batch of providers is accredited.
BATCH_LASTS = timedelta(days=730)
SMALL_CHINA, SMALL_BRITAIN = 6, 2
PRICE_RISES_ON = 150
PRICE_RISEN = Decimal("17.60")


class Cast:
    """The people of the demo, registered in the order in which the portal's start shows them."""

    def __init__(self, world: World) -> None:
        """Register everybody on the first day; those of `world.accounts` sign in by password."""
        self.world = world
        self._numbers = iter(range(1, 1000))
        self.bureau, self.council = self._offices()
        self.sellers = [self.seller_of(stall) for stall in STALLS]
        china = CHINA[:SMALL_CHINA] if world.is_small else CHINA
        britain = BRITAIN[:SMALL_BRITAIN] if world.is_small else BRITAIN
        self.china = [self._applicant(name, "CN") for name in china]
        self.britain = [self._applicant(name, "GB") for name in britain]
        self.pay_into(self.bureau.organisation, self.bureau.finance[0], world.now)
        # Approved once they have asked for something (`requests.py`).
        for applicant in self.china:
            self._propose(applicant.organisation, applicant.person, world.now)
        for seller in self.sellers:
            if seller.organisation.country == "CN":
                self.pay_into(seller.organisation, seller.person, world.now)
        self._later()

    def _offices(self) -> tuple[Office, Office]:
        bureau = self.organisation("AUTHORITY", "Demo City Data Bureau", "演示市数据局", "CN")
        council = self.organisation(
            "AUTHORITY", "Demo Research Compute Office", "演示科研算力办公室", "GB"
        )
        one = self.person_of(
            bureau, Role.OFFICER, "officer.a", "Demo officer A", "演示审批员甲"
        )
        two = self.person_of(
            bureau, Role.OFFICER, "officer.b", "Demo officer B", "演示审批员乙"
        )
        first, second, third = (
            self.person_of(bureau, Role.FINANCE, f"finance.{letter}", words, words_zh)
            for letter, words, words_zh in (
                ("a", "Demo finance A", "演示财务甲"),
                ("b", "Demo finance B", "演示财务乙"),
                ("c", "Demo finance C", "演示财务丙"),
            )
        )
        for role, slug, words, words_zh in (
            (Role.REVIEWER, "reviewer", "Demo reviewer", "演示评审员"),
            (Role.INVESTIGATOR, "investigator", "Demo investigator", "演示调查员"),
            (Role.REGULATOR, "regulator", "Demo regulator", "演示监管员"),
            (Role.ADMIN, "admin", "Demo administrator", "演示管理员"),
        ):
            self.person_of(bureau, role, slug, words, words_zh)
        for person in (first, second, third):
            self._give(person, council, Role.FINANCE)
        finance = (first, second, third)
        uk = [
            self.person_of(
                council, Role.OFFICER, f"office.{letter}", f"Demo officer {name}", ""
            )
            for letter, name in (("c", "C"), ("d", "D"))
        ]
        return Office(bureau, one, two, finance), Office(council, uk[0], uk[1], finance)

    # --- one person, one organisation --------------------------------------------------------

    def person_of(
        self,
        organisation: Organisation,
        role: Role,
        slug: str,
        words: str,
        words_zh: str,
        *,
        has_password: bool = True,
    ) -> User:
        """Register a person with a role in an organisation, by the beginning of its address."""
        name = f"{words} / {words_zh}" if words_zh else words
        email = f"{slug}@{DOMAIN}"
        person = parties.create_user(
            email=email,
            name=name,
            language="zh-hans" if slug in CHINESE_READERS else "en",
            password=DEMO_PASSWORD if has_password else None,
            at=self.world.now,
        )
        if has_password:
            self.world.accounts.append(Account(f"{role.value.lower()}", name, email))
        self._give(person, organisation, role)
        return person

    def _give(self, person: User, organisation: Organisation, role: Role) -> None:
        parties.give_role(
            user=person,
            organisation=organisation,
            role=role,
            valid_from_on=self.world.now.date(),
            actor=SYSTEM,
            at=self.world.now,
            key=self.world.key(),
        )

    def organisation(self, kind: str, name: str, name_zh: str, country: str) -> Organisation:
        """Register an organisation under the next number of its country."""
        number = next(self._numbers)
        if country == "GB":
            scheme, identifier, region = "GB_COMPANY", f"{90_000_000 + number}", "GB-LND"
        else:
            base = f"91450100{900_000_000 + number}"
            scheme, identifier = "CN_USCC", base + uscc.calc_check_digit(base)
            region = "CN-4501"
        is_firm = kind in (OrganisationKind.SME, OrganisationKind.PROVIDER)
        return parties.register_organisation(
            kind=kind,
            name=name,
            name_zh=name_zh,
            country=country,
            region=region,
            identifier_scheme=scheme,
            identifier=identifier,
            is_registered_business=is_firm,
            employees=40 if is_firm else 300,
            founded_on=date(2019, 4, 1),
            actor=SYSTEM,
            at=self.world.now,
            key=self.world.key(),
        )

    # --- providers ---------------------------------------------------------------------------

    def seller_of(self, stall: Stall, **more: Any) -> Seller:
        """Return a provider with its offer, about which `more` is said."""
        organisation = self.organisation(
            OrganisationKind.PROVIDER, stall.name, stall.name_zh, stall.country
        )
        person = self.person_of(
            organisation,
            Role.PROVIDER,
            stall.slug,
            f"Demo provider, {stall.name}",
            "演示服务商" if stall.name_zh else "",
            has_password=stall.rank in (1, 3),
        )
        at = self.world.now
        sent = self.ask_for_accreditation(organisation, person, ["AI_COMPUTE"], at)
        self.decide_accreditation(sent, sent.items, at, last=at.date() + BATCH_LASTS)
        provider = Provider.objects.get(organisation=organisation)
        offer = providers.publish_offer(
            provider=provider,
            title=f"{stall.resource_class} by the hour",
            resource="GPU",
            resource_class=stall.resource_class,
            region="Guangxi" if stall.country == "CN" else "London",
            rate=Decimal(stall.rate),
            currency="CNY" if stall.country == "CN" else "GBP",
            actor=person,
            at=at,
            key=self.world.key(),
            **more,
        )
        form = "sacct" if stall.rank in (1, 2, 3) else "csv"
        return Seller(organisation, provider, person, offer, stall.slug, 1 / stall.rank, form)

    def ask_for_accreditation(
        self, organisation: Organisation, person: User, items: list[str], at: datetime
    ) -> AccreditationApplication:
        """Apply for service items at the office of the organisation's country."""
        office = self._office_of(organisation)
        about = f"{organisation.name}. Made up for the demonstration. / 仅供演示。"
        return providers.apply_for_accreditation(
            organisation=organisation,
            authority=office.organisation,
            items=items,
            regions=organisation.region,
            description=about,
            contact_name=person.name,
            contact_email=person.email,
            declared=True,
            documents=[checked_file("nodes.txt", about.encode())],
            actor=person,
            at=at,
            key=self.world.key(),
        )

    def decide_accreditation(
        self,
        sent: AccreditationApplication,
        items: list[str],
        at: datetime,
        *,
        number: int = 1,
        last: date | None = None,
        reasons: str = "",
    ) -> None:
        """Grant some of what was asked for by the year's batch of a number, or refuse it."""
        providers.decide_accreditation(
            application=sent,
            items=items,
            batch=f"{at.year}-{number}" if items else "",
            until_on=last,
            reasons=reasons,
            actor=self._office_of(sent.organisation).officer,
            at=at,
            key=self.world.key(),
        )

    def _office_of(self, organisation: Organisation) -> Office:
        return self.bureau if organisation.country == "CN" else self.council

    # --- applicants --------------------------------------------------------------------------

    def _applicant(self, name: Name, country: str) -> Applicant:
        organisation = self.organisation(name.kind, name.name, name.name_zh, country)
        script = name.slug if name.slug in ("jasmine", "lychee") else ""
        known = ("jasmine", "lychee", "kingfisher", "acorn")
        person = self.person_of(
            organisation,
            Role.APPLICANT,
            name.slug,
            f"Demo applicant, {name.name}",
            "演示申请人" if name.name_zh else "",
            has_password=name.slug in known,
        )
        drawn = 8 + int(94 * self.world.random.betavariate(1.1, 0.9))
        diligence = {"jasmine": 100, "lychee": 10, "kingfisher": 102}.get(name.slug, drawn)
        return Applicant(organisation, person, diligence, script)

    def pay_into(self, organisation: Organisation, person: User, at: datetime) -> None:
        """Propose an account for an organisation, and have it approved."""
        proposed = self._propose(organisation, person, at)
        parties.approve_bank_detail(
            bank_detail=proposed,
            actor=self._office_of(organisation).finance[1],
            at=at,
            key=self.world.key(),
        )

    def _propose(self, organisation: Organisation, person: User, at: datetime) -> BankDetail:
        return parties.propose_bank_detail(
            organisation=organisation,
            scheme=BankDetail.Scheme.OTHER,
            number=f"62220000{next(self._numbers):011d}",
            agent="BKCHCNBJ",
            holder=organisation.name,
            actor=person,
            at=at,
            key=self.world.key(),
        )

    # --- what happens later in the year ------------------------------------------------------

    def _later(self) -> None:
        dearest = self.sellers[0]

        def rise(at: datetime) -> None:
            providers.publish_price(
                offer=dearest.offer,
                rate=PRICE_RISEN,
                currency="CNY",
                from_at=at,
                actor=dearest.person,
                at=at,
                key=self.world.key(),
            )

        def key_to_the_api(at: datetime) -> None:
            _row, self.world.api_secret = providers.create_api_key(
                provider=dearest.provider,
                name="Demo meter",
                actor=dearest.person,
                at=at,
                key=self.world.key(),
            )

        def new_bank(at: datetime) -> None:
            mover = self.china[2]
            self._propose(mover.organisation, mover.person, at)

        self.world.plan_on(3, key_to_the_api)
        self.world.plan_on(PRICE_RISES_ON, rise)
        self.world.plan_on(270, new_bank)
