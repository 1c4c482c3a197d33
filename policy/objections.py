"""Until when an objection is replied to and decided, and what its silences come to."""

from datetime import datetime, timedelta
from typing import Literal

from policy.rules import SettlementRule

# Whose silence decides a disputed line, and how; nothing while nobody's does.
Default = Literal["", "REPLY_DECLINES", "VERDICT_ACCEPTS", "VERDICT_DECLINES"]


def reply_until(rule: SettlementRule, raised_at: datetime) -> datetime | None:
    """Return until when the provider replies to an objection; None where no day is set."""
    return None if rule.reply_days is None else raised_at + timedelta(days=rule.reply_days)


def verdict_until(
    rule: SettlementRule, raised_at: datetime, settled_at: datetime
) -> datetime | None:
    """Return until when an officer decides a disputed line; None where no day is set.

    The days begin when it can be decided: its bill is settled, and those for the provider's
    reply are over.
    """
    if rule.verdict_days is None:
        return None
    first = max(settled_at, reply_until(rule, raised_at) or settled_at)
    return first + timedelta(days=rule.verdict_days)


def default_at(
    rule: SettlementRule,
    raised_at: datetime,
    replied_at: datetime | None,
    settled_at: datetime,
    at: datetime,
) -> Default:
    """Return how silence decides a disputed line of a settled bill at an instant.

    `replied_at` is when the provider first replied, or None; a reply after its days is none.
    """
    reply, verdict = reply_until(rule, raised_at), verdict_until(rule, raised_at, settled_at)
    if reply is not None and rule.reply_silence == "DECLINES":
        is_silent = replied_at is None or replied_at >= reply
        if is_silent and reply <= at:
            return "REPLY_DECLINES"
    if verdict is None or verdict > at or rule.verdict_silence == "WAITS":
        return ""
    return "VERDICT_ACCEPTS" if rule.verdict_silence == "ACCEPTS" else "VERDICT_DECLINES"
