"""The shape of what a programme says about deciding, and about a voucher in its holder's hands."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from policy.amount_rules import Stance

Method = Literal["FIRST_COME", "SCORE", "SMALL_FIRST", "PRO_RATA", "LOTTERY"]
METHODS: tuple[Method, ...] = ("FIRST_COME", "SCORE", "SMALL_FIRST", "PRO_RATA", "LOTTERY")
BY_SCORE: tuple[Method, ...] = ("SCORE", "LOTTERY")


@dataclass(frozen=True)
class Criterion:
    """What reviewers give points for: from 0 to `most`, with its weight in the score."""

    name: str
    title_en: str
    title_zh: str
    weight: Decimal
    most: int


@dataclass(frozen=True)
class ReviewRule:
    """How many must review, by which criteria, and what score is needed.

    Only what is above an amount is reviewed where `above` is given. `blind` keeps from reviewers
    who applied.
    """

    clause: str
    quorum: int
    blind: bool
    above: Decimal | None
    least: Decimal | None
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class AllocationRule:
    """How a round is shared out when it closes, and how long who got nothing then may wait."""

    clause: str
    method: Method
    part_given: bool
    lottery_least: Decimal | None
    lottery_most: Decimal | None
    waiting_days: int


@dataclass(frozen=True)
class NoticeRule:
    """For how many days an award is shown to the public before its voucher is issued."""

    clause: str
    days: int


@dataclass(frozen=True)
class AppealRule:
    """Within how many days of a decision its applicant may appeal."""

    clause: str
    days: int


@dataclass(frozen=True)
class VoucherRule:
    """What a holder may do with a voucher beside using it.

    `extension_by` says who grants more days: an officer, or the rule itself when asked.
    """

    clause: str
    transfer: Stance
    split: Stance
    extension_days_max: int
    extensions_max: int
    extension_by: Literal["OFFICER", "RULE"]


# Nothing of this was found in a published text; what a document leaves out is kept narrow.
UNSAID = VoucherRule(
    clause="",
    transfer="DENY",
    split="DENY",
    extension_days_max=0,
    extensions_max=0,
    extension_by="OFFICER",
)
