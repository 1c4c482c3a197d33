"""Applications of all kinds, decided by the rule or by people, and the vouchers they lead to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.demo.orders import Life
from config.demo.programmes import CLAIMS, HOURS, OFFSET, ROUNDS
from config.demo.registers import answers_about
from config.demo.world import Applicant, Scheme, World
from ledger.actions import SYSTEM
from parties import actions as parties
from parties.queries import bank_detail_in_force, bank_details_waiting
from vouchers import actions
from vouchers.models import Application, Decision

# What becomes of each applicant's request, in turn: A approved, I approved and not issued yet,
# N not approved, R referred, S sent and waiting, D still a draft, W withdrawn, Q asked something.
_FATES = {
    OFFSET: ("AAAAANAAAAAAWAA", "AAAAAAAANAAAAAA", "AAAASDAIASADANAA"),
    CLAIMS: ("AAAANAAAAA", "AAAAAAANAA", "AARAQADARWA"),
    HOURS: ("AAAAAAAAAAA", "AAAAANAAAAA", "AAARAIAADASA"),
}
_FATES_SMALL = {
    OFFSET: ("AAAA", "AAAA", "AASD"),
    CLAIMS: ("AAAA", "AAAN", "AQRW"),
    HOURS: ("AA", "AA", "AA"),
}
_QUESTION = "Which data will the model be trained on, and whose are they?"
_ANSWER_WITHIN = 90
# The last round's first days, after the last scores were published.
LATE = 247
_BIG = 9
_KINDS = ("TRAIN", "FINE_TUNE", "INFERENCE", "SIMULATION")
_NOTES = {
    HOURS: "The project doesn't say yet what it needs this many hours for. Please apply anew.",
    CLAIMS: "The same compute has other public money, so nothing can be added to it.",
    OFFSET: "The same compute has other public money, and the share would pass the limit.",
}


@dataclass(frozen=True)
class Request:
    """One application as it will be made."""

    scheme: Scheme
    applicant: Applicant
    place: int
    number: int
    fate: str
    day: int


def plan_requests(world: World, schemes: dict[str, Scheme], life: Life) -> None:
    """Plan every application of every round."""
    fates = _FATES_SMALL if world.is_small else _FATES
    for code, scheme in schemes.items():
        for number, (first, _last) in enumerate(ROUNDS):
            others = 0
            for place, applicant in enumerate(scheme.applicants):
                letters = fates[code][number]
                fate = "A" if applicant.script else letters[others % len(letters)]
                others += not applicant.script
                begins = LATE if number == len(ROUNDS) - 1 else first
                spread = 3 if begins == LATE else 9
                day = begins + 1 + (0 if applicant.script else place % spread)
                request = Request(scheme, applicant, place, number, fate, day)
                world.plan_on(day, _Filing(world, life, request).draft)


class _Filing:
    """One application on its way from a draft to a voucher."""

    def __init__(self, world: World, life: Life, request: Request) -> None:
        self.world, self.life, self.request = world, life, request
        self.application: Application

    def _soon(self, days: int, deed: Callable[[datetime], None]) -> None:
        self.world.plan_on(self.world.today() + days, deed)

    def draft(self, at: datetime) -> None:
        """Save the answers; unless it stays a draft, send them the day after."""
        request = self.request
        self.application = actions.save_draft(
            round=request.scheme.rounds[request.number],
            organisation=request.applicant.organisation,
            answers=self._answers(),
            actor=request.applicant.person,
            at=at,
        )
        if request.fate != "D":
            self._soon(1, self.send)

    def send(self, at: datetime) -> None:
        """Send the application; what needs no person is decided at once."""
        request, world = self.request, self.world
        actions.submit_application(
            application=self.application,
            actor=request.applicant.person,
            at=at,
            key=world.key(),
        )
        organisation = request.applicant.organisation
        self._approve_account(at)
        parties.keep_register_answers(
            organisation=organisation,
            answers=answers_about(organisation),
            actor=SYSTEM,
            at=at,
            key=world.key(),
        )
        decision = actions.decide_automatically(
            application=self.application, at=at, key=world.key()
        )
        if decision is not None and decision.outcome == Decision.Outcome.PASS:
            self._issue(decision, SYSTEM, at)
        elif request.fate == "W":
            self._soon(1, self.withdraw)
        elif request.fate == "Q":
            self._soon(1, self.ask)
        elif request.fate in "AIN":
            self._soon(2 + world.random.randrange(3), self.decide)

    def _approve_account(self, at: datetime) -> None:
        """Approve where the applicant is paid, now that it has asked the office for something."""
        organisation = self.request.applicant.organisation
        if bank_detail_in_force(organisation, at) is not None:
            return
        for waiting in bank_details_waiting().filter(organisation=organisation):
            parties.approve_bank_detail(
                bank_detail=waiting,
                actor=self.request.scheme.office.finance[1],
                at=at,
                key=self.world.key(),
            )

    def withdraw(self, at: datetime) -> None:
        """Take the application back."""
        actions.withdraw_application(
            application=self.application,
            actor=self.request.applicant.person,
            at=at,
            key=self.world.key(),
        )

    def ask(self, at: datetime) -> None:
        """Ask the applicant for something, as an officer; the answer is still out."""
        actions.request_information(
            application=self.application,
            question=_QUESTION,
            answer_name="description",
            due_on=self.world.calendar.on(self.world.today() + _ANSWER_WITHIN),
            actor=self.request.scheme.office.officer,
            at=at,
            key=self.world.key(),
        )

    def decide(self, at: datetime) -> None:
        """Decide as an officer; a second one issues the voucher the day after."""
        request = self.request
        is_declined = request.fate == "N"
        decision = actions.decide_application(
            application=self.application,
            outcome=Decision.Outcome.FAIL if is_declined else Decision.Outcome.PASS,
            awarded=None,
            note=_NOTES[request.scheme.programme.code] if is_declined else "",
            actor=request.scheme.office.officer,
            at=at,
            key=self.world.key(),
        )
        if request.fate == "A":
            officer = request.scheme.office.second_officer
            self._soon(1, lambda later: self._issue(decision, officer, later))

    def _issue(self, decision: Decision, actor: Any, at: datetime) -> None:
        voucher = actions.issue_voucher(
            decision=decision, actor=actor, at=at, key=self.world.key()
        )
        self.life.begin(
            self.request.scheme, self.request.applicant, voucher, self.request.number
        )

    # --- the answers ---------------------------------------------------------------------

    def _answers(self) -> dict[str, Any]:
        request, world = self.request, self.world
        calendar, dice = world.calendar, world.random
        person, script = request.applicant.person, request.applicant.script
        code = request.scheme.programme.code
        is_big = request.fate in "SI" or (
            request.place % _BIG == _BIG - 1 and not (world.is_small or script)
        )
        answers: dict[str, Any] = {
            "contact_name": person.name,
            "contact_email": person.email,
            "project_title": _TITLES[0 if script else request.place % len(_TITLES)],
            "use_type": "TRAIN" if script else dice.choice(_KINDS),
            "description": "A made-up project of the demonstration.",
            "milestone": "A first version that others can try",
            "resource_class": "H100",
            "start_on": calendar.on(request.day + 4).isoformat(),
            "end_on": calendar.on(request.day + 84).isoformat(),
            "other_public_money": request.fate in "NQ"
            or (request.fate == "R" and code == OFFSET),
            "declaration": True,
        }
        if code == HOURS:
            hours = dice.randrange(250, 900, 50)
            if is_big or request.fate in "NR":
                hours = dice.randrange(1100, 1700, 50)
            return {**answers, "hours": str(hours), "is_first_time": request.number == 0}
        if script:
            return {**answers, "hours": "1250", "fee_total": "20000.00"}
        fee = dice.randrange(6_000, 20_000, 500)
        if code == OFFSET:
            fee *= 8 if is_big else 1
            return {**answers, "hours": str(fee // 16), "fee_total": f"{fee}.00"}
        return {**answers, **self._contract(fee)}

    def _contract(self, fee: int) -> dict[str, Any]:
        calendar, request = self.world.calendar, self.request
        shop = self.life.shop_of(request.scheme, request.place)
        return {
            "hours": str(fee // 16),
            "fee_total": f"{fee}.00",
            "fee_storage": f"{fee // 20}.00",
            "contract_from_on": calendar.on(max(request.day - 20, 0)).isoformat(),
            "contract_until_on": calendar.on(request.day + 100).isoformat(),
            "provider_code": shop.seller.organisation.code,
        }


_TITLES = (
    "Robots that see in dim light",
    "Reading old maps",
    "Speech for small dialects",
    "Better rain forecasts",
    "Finding cracks in bridges",
    "Sorting tea leaves by sight",
    "Proteins that like the cold",
)
