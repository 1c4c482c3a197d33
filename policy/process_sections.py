"""Read the sections about deciding, and about a voucher in its holder's hands."""

from decimal import Decimal

from policy.amount_rules import STANCES
from policy.document import Table
from policy.metering import AFTERS, MeteringRule
from policy.payment import DUPLICATE_DAYS, MESSAGES, PaymentRule
from policy.process_rules import (
    METHODS,
    AllocationRule,
    AppealRule,
    Criterion,
    NoticeRule,
    ReviewRule,
    VoucherRule,
)
from policy.recovery import HOMES, INTEREST, RecoveryRule


def review(table: Table | None) -> ReviewRule | None:
    """Read `[review]`."""
    if table is None:
        return None
    rule = ReviewRule(
        clause=table.clause(),
        quorum=table.whole("quorum", least=1, most=20),
        blind=table.flag("blind"),
        above=table.number_or_none("above"),
        least=table.number_or_none("least"),
        criteria=tuple(_criterion(item) for item in table.tables("criteria")),
    )
    total = sum((one.weight for one in rule.criteria), Decimal(0))
    if not rule.criteria:
        table.problem("criteria", "there are none; add [[review.criteria]].")
    elif total != 1:
        table.problem("criteria", f"their weights add up to {total}; make them add up to 1.")
    if rule.least is not None and rule.least > 100:
        table.problem("least", "a score is 100 at most; write less.")
    table.close()
    return rule


def _criterion(table: Table) -> Criterion:
    criterion = Criterion(
        name=table.text("name", '"MERIT"'),
        title_en=table.text("title_en", '"Merit"'),
        title_zh=table.text("title_zh", '"技术水平"'),
        weight=table.number("weight"),
        most=table.whole("most", least=1, most=100),
    )
    table.close()
    return criterion


def allocation(table: Table | None) -> AllocationRule | None:
    """Read `[allocation]`."""
    if table is None:
        return None
    rule = AllocationRule(
        clause=table.clause(),
        method=table.choice("method", METHODS),
        part_given=table.flag("part_given"),
        lottery_least=table.number_or_none("lottery_least"),
        lottery_most=table.number_or_none("lottery_most"),
        waiting_days=table.whole_or_none("waiting_days", 3_650) or 0,
    )
    table.close()
    return rule


def notice(table: Table | None) -> NoticeRule | None:
    """Read `[notice]`."""
    if table is None:
        return None
    rule = NoticeRule(clause=table.clause(), days=table.whole("days", least=1, most=365))
    table.close()
    return rule


def appeal(table: Table | None) -> AppealRule | None:
    """Read `[appeal]`."""
    if table is None:
        return None
    rule = AppealRule(clause=table.clause(), days=table.whole("days", least=1, most=3_650))
    table.close()
    return rule


def metering(table: Table | None) -> MeteringRule | None:
    """Read `[metering]`."""
    if table is None:
        return None
    rule = MeteringRule(
        clause=table.clause(),
        days=table.whole("days", most=3_650),
        after=table.choice("after", AFTERS),
    )
    table.close()
    return rule


def recovery(table: Table | None) -> RecoveryRule | None:
    """Read `[recovery]`."""
    if table is None:
        return None
    rule = RecoveryRule(
        clause=table.clause(),
        reply_days=table.whole("reply_days", least=1, most=365),
        due_days=table.whole("due_days", least=1, most=3_650),
        offset=table.flag("offset"),
        returns_to=table.choice("returns_to", HOMES),
    )
    table.choice("interest", INTEREST, "NONE")
    table.close()
    return rule


def payment(table: Table | None) -> PaymentRule | None:
    """Read `[payment]`."""
    if table is None:
        return None
    days = table.whole_or_none("duplicate_days", 3_650)
    rule = PaymentRule(
        clause=table.clause(),
        authorise_above=table.number_or_none("authorise_above"),
        duplicate_days=DUPLICATE_DAYS if days is None else days,
        message=table.choice("message", MESSAGES, MESSAGES[0]),
    )
    table.close()
    return rule


def voucher(table: Table | None) -> VoucherRule | None:
    """Read `[voucher]`."""
    if table is None:
        return None
    rule = VoucherRule(
        clause=table.clause(),
        transfer=table.choice("transfer", STANCES, "DENY"),
        split=table.choice("split", STANCES, "DENY"),
        extension_days_max=table.whole_or_none("extension_days_max", 3_650) or 0,
        extensions_max=table.whole_or_none("extensions_max", 20) or 0,
        extension_by=table.choice("extension_by", ("OFFICER", "RULE"), "OFFICER"),
    )
    if bool(rule.extension_days_max) != bool(rule.extensions_max):
        fix = "write both extension_days_max and extensions_max, or neither."
        table.problem("extensions_max", f"so many days, so many times: {fix}")
    table.close()
    return rule
