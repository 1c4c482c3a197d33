"""What public registers answer about one organisation: a function each, from a file or by HTTP.

Unknown is not clean: a register that is not connected, or does not know the organisation,
answers nothing, and what the law asks of it stays unknown. `docs/registers.md` has the formats.
"""

from parties.registers.asking import (
    Answer,
    Asked,
    ask,
    ask_aid,
    ask_business,
    ask_conduct,
    ask_ownership,
    is_connected,
)
from parties.registers.facts import (
    Aid,
    AidFacts,
    BusinessFacts,
    ConductFacts,
    Facts,
    Finding,
    Identifier,
    Link,
    OwnershipFacts,
    facts_from,
    facts_to_json,
)
from parties.registers.failures import RegisterAnswerInvalid, RegisterDown, RegisterFailed

__all__ = [
    "Aid",
    "AidFacts",
    "Answer",
    "Asked",
    "BusinessFacts",
    "ConductFacts",
    "Facts",
    "Finding",
    "Identifier",
    "Link",
    "OwnershipFacts",
    "RegisterAnswerInvalid",
    "RegisterDown",
    "RegisterFailed",
    "ask",
    "ask_aid",
    "ask_business",
    "ask_conduct",
    "ask_ownership",
    "facts_from",
    "facts_to_json",
    "is_connected",
]
