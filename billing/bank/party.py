"""Who pays or is paid through a bank, and where: names, account numbers, banks."""

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class AccountNumber:
    """An account as its bank writes it: an IBAN, or any other number, as in China."""

    number: str
    kind: Literal["IBAN", "OTHER"] = "OTHER"

    @classmethod
    def of(cls, text: str) -> "AccountNumber":
        """Return the number without blanks; two letters and two digits in front mean IBAN."""
        number = re.sub(r"\s", "", text).upper()
        return cls(number, "IBAN" if re.match(r"[A-Z]{2}\d\d", number) else "OTHER")


@dataclass(frozen=True, slots=True)
class Agent:
    """A party's bank, by any of: BIC, code in a clearing system (CNAPS, GBDSC …), name."""

    bic: str = ""
    clearing_system: str = ""
    clearing_code: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Party:
    """Who pays or is paid, and where."""

    name: str
    account: AccountNumber
    agent: Agent = Agent()
