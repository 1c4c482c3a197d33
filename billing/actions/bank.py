"""Read what the bank sent: each entry confirms, returns, or goes to a person to look at."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from billing.actions.bank_moves import apply_changes
from billing.actions.bank_reports import Reported, reported
from billing.actions.matching import Answer, Told, match_entries
from billing.bank import camt
from billing.bank.reading import read_bank_file
from billing.bank.statement import Entry, Statement, StatementWarning
from billing.models import BankLine, BankStatement
from common.errors import Refused
from ledger.actions import Act, begin
from ledger.kinds import ActKind
from parties.models import BankDetail, User
from parties.queries import organisations_of, require_role
from parties.roles import Role

Format = BankStatement.Format
# Any number will do, as long as nothing else in the database locks it.
_LOCK = 727_101


class StatementOfNobody(Refused):
    """The statement is of an account that no authority of the person pays from."""

    code = "statement_of_nobody"
    sentence = _(
        "The statement is of account %(account)s, from which none of your programmes pays. "
        "Check that you chose the right file."
    )


@transaction.atomic
def read_statement(
    *, name: str, data: bytes, actor: User, at: datetime, key: str
) -> BankStatement:
    """Read a bank's file, whatever its format, and do what it says about our payments.

    The file is taken whole or not at all, with each statement in it. An entry is ours when what
    it carries names a payment that was sent from this account, and amount and currency are that
    payment's (`match_entries`). Booked debits confirm a payment; returns, and rejections by a
    status report, make its value payable again; a report's acceptance is noted and confirms
    nothing. Anything else is kept with the reason why, for a person. The same file again gives
    the statement that was read first, and changes nothing.

    :returns: the file's first statement.
    :raises NotAllowed: if the person is no finance officer.
    :raises BankFileInvalid: in one of its kinds, if the file can't be read.
    :raises StatementOfNobody: if an account is of no authority of the person.
    :raises ReportOfNobody: if a report answers no payment file of the person's authorities.
    :raises KeyReused: if the key was used for another file.
    """
    require_role(actor, Role.FINANCE)
    sha256 = hashlib.sha256(data).hexdigest()
    file = read_bank_file(data)
    lock_answers()
    # Whose it is comes first: nobody else learns whether a file is here already.
    own = accounts_of(actor)
    report = reported(file.report, own, at) if file.report else None
    _require_own(file.statements, own)
    act = begin(
        kind=ActKind.READ_STATEMENT,
        key=key,
        actor=actor.address,
        about=f"statement:{sha256[:16]}",
        at=at,
        payload={"sha256": sha256},
    )
    known = BankStatement.objects.filter(sha256=sha256, number=1).first()
    if known is not None:
        return known
    keeper = _Keeper(name[:200], data, sha256, actor, act)
    if report is not None:
        kept = keeper.keep_report(report)
        apply_changes(report.changes, key=sha256, actor=actor, at=at)
        _add_lines(report.lines(kept))
        return kept
    told = [
        Told(entry, format_of(one.message), one.account.number, own[one.account.number])
        for one in file.statements
        for entry in one.entries
    ]
    answers, changes = match_entries(told)
    apply_changes(changes, key=sha256, actor=actor, at=at)
    kept_all = [keeper.keep(number, one) for number, one in enumerate(file.statements, start=1)]
    _add_lines(_lines(file.statements, kept_all, answers))
    return kept_all[0]


def lock_answers() -> None:
    """Let one act at a time take in or resolve what the bank said, until the transaction ends.

    The same file twice, two files with one entry, and two people at one entry all queue here.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


def format_of(message: str) -> str:
    """Return the kind of source that a message is."""
    if message in camt.NOTICES:
        return Format.NOTICE
    return Format.STATEMENT if message in camt.STATEMENTS else Format(message)


def accounts_of(actor: User) -> dict[str, frozenset[int]]:
    """Return the accounts from which authorities of a finance officer pay, or ever paid."""
    unpaid = (BankDetail.Status.PROPOSED, BankDetail.Status.STOPPED)
    own = organisations_of(actor, Role.FINANCE)
    details = BankDetail.objects.exclude(status__in=unpaid).filter(organisation__in=own)
    accounts: dict[str, set[int]] = defaultdict(set)
    for number, organisation in details.values_list("number", "organisation"):
        accounts["".join(number.split()).upper()].add(organisation)
    return {number: frozenset(owners) for number, owners in accounts.items()}


def _require_own(statements: Sequence[Statement], own: Mapping[str, frozenset[int]]) -> None:
    for one in statements:
        if one.account.number not in own:
            raise StatementOfNobody(account=one.account.number)


class _Keeper:
    """Keeps the statements of one file; its bytes stay with the first."""

    def __init__(self, name: str, data: bytes, sha256: str, actor: User, act: Act) -> None:
        self._name, self._data, self._sha256 = name, data, sha256
        self._actor, self._act = actor, act

    def keep(self, number: int, statement: Statement) -> BankStatement:
        """Keep one statement of the file."""
        return self._kept(
            number=number,
            format=format_of(statement.message),
            message=statement.message,
            statement_id=statement.statement_id[:70],
            account=statement.account.number[:40],
            unit=statement.currency,
            warnings=_plain(statement.warnings),
        )

    def keep_report(self, one: Reported) -> BankStatement:
        """Keep the report of the file."""
        return self._kept(
            number=1,
            format=Format.REPORT,
            message=one.report.message,
            statement_id=one.report.message_id[:70],
            account=one.account,
            unit=one.batch.programme.unit,
            warnings=_plain(one.report.warnings),
        )

    def _kept(self, *, number: int, **values: object) -> BankStatement:
        return BankStatement.objects.create(
            sha256=self._sha256,
            number=number,
            name=self._name,
            content=self._data if number == 1 else b"",
            read_by=self._actor,
            read_at=self._act.at,
            act_id=self._act.id,
            **values,
        )


def _plain(warnings: Iterable[StatementWarning]) -> list[dict[str, object]]:
    return [
        {
            "code": one.code,
            "place": one.place,
            "values": {
                name: value if isinstance(value, int | str) else str(value)
                for name, value in one.values.items()
            },
        }
        for one in warnings
    ]


def _lines(
    statements: Sequence[Statement],
    kept: Sequence[BankStatement],
    answers: Sequence[Answer],
) -> Iterable[BankLine]:
    rest = iter(answers)
    for statement, one in zip(statements, kept, strict=True):
        for position, entry in enumerate(statement.entries, start=1):
            yield _line(one, position, entry, next(rest))


def _line(statement: BankStatement, position: int, entry: Entry, answer: Answer) -> BankLine:
    return BankLine(
        statement=statement,
        position=position,
        place=entry.place[:120],
        end_to_end_id=(entry.end_to_end_id or "")[:35],
        reference=entry.reference[:70],
        creditor_reference=(entry.creditor_reference or "")[:35],
        amount=entry.amount_minor,
        unit=entry.currency,
        is_credit=entry.is_credit,
        booked_on=entry.booked_on,
        counterparty=entry.counterparty[:140],
        counterparty_account=entry.counterparty_account[:40],
        remittance=entry.remittance[:280],
        bank_code=(entry.reason_code or "")[:35],
        match=answer.match,
        found_by=answer.found_by,
        oddity=answer.oddity,
        reason=answer.reason,
        reason_values=dict(answer.values),
        payment=answer.payment,
    )


def _add_lines(lines: Iterable[BankLine]) -> None:
    """Write any number of lines by one COPY."""
    fields = [field for field in BankLine._meta.concrete_fields if not field.primary_key]
    columns = ", ".join(str(field.column) for field in fields)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy billing_bankline ({columns}) from stdin") as copy,
    ):
        for line in lines:
            copy.write_row(
                [
                    field.get_db_prep_save(getattr(line, field.attname), connection)
                    for field in fields
                ]
            )
