"""Rules that look at each bill before it is paid; they withhold and ask, they never decide."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from parties.models import User
from parties.queries import is_one_person, person_kept, require_role
from parties.roles import Role
from safeguards.models import Alert, RuleResult, RuleVersion
from safeguards.queries import rules_in_force

ROWS_NAMED_MAX = 50
# Any number will do, as long as nothing else in the database locks it.
_LOCK = 727_102


class RuleUnknown(Refused):
    """A rule that no code carries out."""

    code = "rule_unknown"
    sentence = _("There is no rule %(rule)s. These are known: %(known)s.")


class RuleNeedsSecondPerson(Refused):
    """The one who proposed a rule's version also releases it."""

    code = "rule_needs_second_person"
    sentence = _("%(person)s proposed this version, so another person must release it.")


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What the rules are told about one line; amounts in the bill's unit.

    `amount_metered` is what the line's own rate makes of the metered part. `billed_before` and
    `invoice_before` name the earlier bill that carries the same usage or the same invoice
    number, or are empty. A fee (`is_fee`) is claimed without a quantity of its own: what counts
    is by how much its amount passes `amount_metered`.
    """

    row: int
    billed_ms: int
    metered_ms: int
    amount: int
    amount_metered: int
    billed_before: str
    invoice_before: str
    is_fee: bool = False


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """How much of one line is withheld and by which rule; an empty rule withholds nothing."""

    row: int
    withheld: int
    rule: str
    values: Mapping[str, Any]


_Parameters = Mapping[str, Any]
_Check = Callable[[LineFacts, _Parameters], tuple[int, dict[str, Any]] | None]


def _invoice_sent_before(
    line: LineFacts, parameters: _Parameters
) -> tuple[int, dict[str, Any]] | None:
    return (line.amount, {"bill": line.invoice_before}) if line.invoice_before else None


def _line_billed_before(
    line: LineFacts, parameters: _Parameters
) -> tuple[int, dict[str, Any]] | None:
    return (line.amount, {"bill": line.billed_before}) if line.billed_before else None


def _billed_above_meter(
    line: LineFacts, parameters: _Parameters
) -> tuple[int, dict[str, Any]] | None:
    if line.is_fee:
        over = line.amount - line.amount_metered
        return (over, {"metered_ms": line.metered_ms}) if over > 0 else None
    above = line.billed_ms - line.metered_ms
    if above <= int(parameters.get("tolerance_ms", "0")):
        return None
    values = {"billed_ms": line.billed_ms, "metered_ms": line.metered_ms}
    return max(line.amount - line.amount_metered, 0), values


# The first rule that withholds takes the line: the widest first.
RULES: dict[str, _Check] = {
    "invoice_sent_before": _invoice_sent_before,
    "line_billed_before": _line_billed_before,
    "billed_above_meter": _billed_above_meter,
}


def check_lines(
    lines: Sequence[LineFacts],
    *,
    about: str,
    unit: str,
    act: Act,
    at: datetime,
    lines_total: int | None = None,
) -> list[LineAnswer]:
    """Ask every rule about each line of a bill, and keep what each rule answered.

    Lines about which no rule can have a word need not be given: those at or below the meter,
    billed for the first time under a new invoice number. `lines_total` then says how many there
    are with them.

    Belongs inside the transaction that would pay the bill. The answers come in the order of
    the lines. Each rule leaves one result about the bill, and an alert where it withheld
    something; the number of statements does not depend on the number of lines.
    """
    rules = rules_in_force(at)
    checks = [(code, check, rules[code].parameters) for code, check in RULES.items()]
    answers = [_answer(line, checks) for line in lines]
    count = len(lines) if lines_total is None else lines_total
    _keep(answers, rules, about=about, unit=unit, act=act, at=at, count=count)
    return answers


def _answer(line: LineFacts, checks: Sequence[tuple[str, _Check, _Parameters]]) -> LineAnswer:
    for code, check, parameters in checks:
        found = check(line, parameters)
        if found is not None:
            return LineAnswer(line.row, found[0], code, found[1])
    return LineAnswer(line.row, 0, "", {})


def _keep(
    answers: Sequence[LineAnswer],
    rules: Mapping[str, RuleVersion],
    *,
    about: str,
    unit: str,
    act: Act,
    at: datetime,
    count: int,
) -> None:
    results = []
    for code in RULES:
        mine = [answer for answer in answers if answer.rule == code]
        facts = {
            "lines": count,
            "lines_withheld": len(mine),
            "rows": [answer.row for answer in mine[:ROWS_NAMED_MAX]],
        }
        withheld = sum(answer.withheld for answer in mine)
        results.append(
            RuleResult(
                rule=rules[code],
                about=about,
                withheld=withheld,
                facts=facts,
                at=at,
                act_id=act.id,
            )
        )
    RuleResult.objects.bulk_create(results)
    alerts = [
        Alert(
            rule=result.rule,
            about=about,
            value=result.withheld,
            unit=unit,
            facts=result.facts,
            status=Alert.Status.OPEN,
            raised_at=at,
            act_id=act.id,
        )
        for result in results
        if result.facts["lines_withheld"]
    ]
    # Asked again about a bill, after an objection, a rule's one alert stands.
    Alert.objects.bulk_create(alerts, ignore_conflicts=True)


@transaction.atomic
def raise_alert(
    *,
    rule: RuleVersion,
    about: str,
    value: int,
    unit: str,
    facts: Mapping[str, Any],
    actor: str,
    at: datetime,
    key: str,
) -> Alert:
    """Ask for a look at a thing; a rule asks once about each, however often it finds it.

    :raises KeyReused: if the key was used for another alert.
    """
    act = begin(
        kind=ActKind.RAISE_ALERT,
        key=key,
        actor=actor,
        about=about,
        at=at,
        payload={"rule": str(rule), "value": value, "unit": unit, "facts": facts},
    )
    alert, _is_new = Alert.objects.get_or_create(
        rule=rule,
        about=about,
        defaults={
            "value": value,
            "unit": unit,
            "facts": dict(facts),
            "status": Alert.Status.OPEN,
            "raised_at": at,
            "act_id": act.id,
        },
    )
    return alert


@transaction.atomic
def release_rule(
    *,
    code: str,
    parameters: Mapping[str, str],
    from_at: datetime,
    proposed_by: User,
    actor: User,
    at: datetime,
    key: str,
) -> RuleVersion:
    """Put new parameters of a rule in force from an instant; bills settled before keep theirs.

    :raises NotAllowed: if the person is no administrator.
    :raises RuleUnknown: if no code carries out such a rule.
    :raises RuleNeedsSecondPerson: if the person also proposed it, under whichever account.
    :raises KeyReused: if the key was used for another version.
    """
    require_role(actor, Role.ADMIN)
    if code not in RULES:
        raise RuleUnknown(rule=code, known=", ".join(sorted(RULES)))
    act = begin(
        kind=ActKind.RELEASE_RULE,
        key=key,
        actor=actor.address,
        about=f"rule:{code}",
        at=at,
        payload={
            "parameters": parameters,
            "from_at": from_at,
            "proposed_by": proposed_by.address,
        },
        details={"parameters": parameters, "proposed_by": proposed_by.address},
    )
    if act.is_replay:
        return RuleVersion.objects.get(act_id=act.id)
    person_kept(actor)
    if is_one_person(proposed_by, actor):
        raise RuleNeedsSecondPerson(person=proposed_by.name)
    # Two releases of one rule queue here for its next number.
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, code])
    newest = RuleVersion.objects.filter(code=code).order_by("-number").first()
    return RuleVersion.objects.create(
        code=code,
        number=newest.number + 1 if newest else 1,
        parameters=dict(parameters),
        from_at=from_at,
        act_id=act.id,
    )
