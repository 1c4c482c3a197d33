"""What a batch of payments takes: how many people, how far back to look for twins, which file."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Literal

from common.money import major
from policy.answers import PRECISION

# ISO 20022 messages of customer credit transfers; the older one is what many banks still take.
Message = Literal["pain.001.001.09", "pain.001.001.03"]
MESSAGES: tuple[Message, ...] = ("pain.001.001.09", "pain.001.001.03")
DUPLICATE_DAYS = 30


@dataclass(frozen=True)
class PaymentRule:
    """How batches are paid.

    `authorise_above` is the total above which an approved batch is authorised by one more person;
    None where approval is always enough. Two payments of one amount to one party or account are
    shown as possible duplicates when not more than `duplicate_days` lie between them.
    """

    clause: str
    authorise_above: Decimal | None
    duplicate_days: int
    message: Message

    def needs_authorisation(self, total: int, unit: str) -> bool:
        """Say whether a batch of so many minor units takes one more person; the limit does not."""
        if self.authorise_above is None:
            return False
        with localcontext(prec=PRECISION):
            return major(total, unit) > self.authorise_above


# What a document leaves out: three people for every batch, and the newer message.
UNSAID = PaymentRule(
    clause="", authorise_above=None, duplicate_days=DUPLICATE_DAYS, message=MESSAGES[0]
)
