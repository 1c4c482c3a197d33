"""What went wrong at other ledgers does not go wrong here; `test_promises.py` lists it all."""

import importlib
import inspect

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from config.roles import libpq_url
from ledger import actions as ledger
from ledger import queries
from ledger.kinds import AccountKind, ActKind, Flow
from tests.ledger.book import (
    LATER,
    NOON,
    at_once,
    begin,
    capture,
    figures,
    hold,
    issue,
    lapse,
    open_book,
    seal,
    sum_of_everything,
)


def outcomes(answers):
    """Return how many were done, and the kinds of the refusals."""
    refused = [one for one in answers if isinstance(one, Exception)]
    return len(answers) - len(refused), {type(one) for one in refused}


def refuses(error, ask, *args, **kwargs):
    with pytest.raises(error) as caught, transaction.atomic():
        ask(*args, **kwargs)
    return caught.value


@transaction.atomic
def give_back(key, amount):
    move = ledger.Move(Flow.EXPIRE, "voucher:P:V-1", "expired:P", amount)
    ledger.post(begin(key, ActKind.RETURN_VOUCHER), [move])


@transaction.atomic
def release(key, held):
    ledger.release(begin(key, ActKind.RELEASE_HOLD), [held])


@pytest.mark.slow
def test_held_value_is_neither_held_again_nor_given_away(committed_db):
    """A new hold was checked against what is posted, and open holds were ignored
    (Blnk #181, PR #185)."""
    open_book(voucher_amount=100_00)

    answers = at_once(
        40,
        lambda number: (
            hold(f"k{number}", 3_00) if number % 2 else give_back(f"k{number}", 3_00)
        ),
    )

    assert outcomes(answers) == (33, {ledger.NotEnough})
    held = sum(isinstance(one, int) for one in answers) * 3_00
    assert figures("voucher:P:V-1") == (1_00 + held, 1_00)
    assert figures("expired:P") == (99_00 - held, 99_00 - held)
    with (
        psycopg.connect(libpq_url(committed_db.owner_url)) as owner,
        pytest.raises(psycopg.errors.CheckViolation, match="not_below_zero"),
    ):
        owner.execute("update ledger_balance set debit_pending = debit_pending + 101")
    assert queries.accounts_out_of_step() == []


@pytest.mark.django_db
def test_a_hold_that_is_not_open_pays_nothing():
    """A hold that had been rejected could still be committed (Blnk #182)."""
    open_book(voucher_amount=400_00)
    used, ended, released, lapsed = (hold(f"h{number}", 50_00) for number in range(4))
    capture("all", used, 50_00)
    capture("some", ended, 20_00, is_final=True)
    release("release", released)
    lapse("lapse", lapsed, LATER)
    before = figures("voucher:P:V-1"), figures("provider_payable:P:O-1"), queries.extent()

    for number, held in enumerate((used, ended, released, lapsed, 999_999)):
        refusal = refuses(ledger.HoldClosed, capture, f"late {number}", held, 1)
        assert refusal.values == {"hold": held, "remaining": 0, "amount": 1}

    after = figures("voucher:P:V-1"), figures("provider_payable:P:O-1"), queries.extent()
    assert after == before
    assert before[:2] == ((330_00, 330_00), (70_00, 70_00))


@pytest.mark.slow
def test_a_hold_is_captured_or_released_and_never_both(committed_db):
    """A void and a commit of one hold both went through (Blnk #182)."""
    open_book(voucher_amount=100_00)
    held = hold("h", 50_00)

    answers = at_once(
        20,
        lambda number: (
            capture(f"c{number}", held, 50_00) if number % 2 else release(f"r{number}", held)
        ),
    )

    assert outcomes(answers) == (1, {ledger.HoldClosed})
    paid = 50_00 if 50_00 in answers else 0
    assert figures("voucher:P:V-1") == (100_00 - paid, 100_00 - paid)
    assert figures("provider_payable:P:O-1") == (paid, paid)
    assert queries.hold_remaining(held) == 0
    assert queries.accounts_out_of_step() == []


@pytest.mark.slow
def test_a_hold_released_by_twenty_at_once_is_freed_once(committed_db):
    """A hold that was voided twice gave its value back twice (Blnk PR #43)."""
    open_book(voucher_amount=100_00)
    held, other = hold("h", 50_00), hold("other", 30_00)

    answers = at_once(20, lambda number: release(f"r{number}", held))

    assert outcomes(answers) == (1, {ledger.HoldClosed})
    assert figures("voucher:P:V-1") == (100_00, 70_00)
    assert (queries.hold_remaining(held), queries.hold_remaining(other)) == (0, 30_00)
    assert queries.accounts_out_of_step() == []


@pytest.mark.slow
def test_a_transfer_reversed_by_twenty_at_once_moves_back_once(committed_db):
    """An entry was reversed twice, and as each reversal was balanced the trial balance stayed
    happy (robosystems PR #1203)."""
    open_book(budget=1_000_00)
    transfer = queries.transfers_of(issue("k", 400_00).id).get().id
    issue("another", 500_00)

    @transaction.atomic
    def undo(number):
        return ledger.reverse(begin(f"undo {number}"), transfer, ref="typed twice")

    answers = at_once(20, undo)

    done, refusals = outcomes(answers)
    assert (done, refusals) == (1, {ledger.NotReversible})
    # The sum is nothing either way: what tells is that 400.00 came back and not 800.00.
    assert sum_of_everything() == 0
    assert figures("voucher:P:V-1") == (500_00, 500_00)
    assert figures("available:P") == (500_00, 500_00)
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from ledger_transfer where reverses_id = %s", [transfer]
        )
        assert cursor.fetchone() == (1,)
    assert queries.accounts_out_of_step() == []


def test_nothing_is_created_without_a_key():
    """Top-ups had no idempotency key, and a retry made them twice (Lago #5870)."""
    apps = ("parties", "safeguards", "providers", "vouchers", "billing", "scoring")
    # A draft is found again by round and organisation, its files by their content; they move
    # nothing and are no acts. A refused attempt is written down as often as it is made.
    by_nature = {"save_draft", "attach_file", "remove_attachment", "keep_attempt"}
    asked = 0

    for app in apps:
        module = importlib.import_module(f"{app}.actions")
        for name, action in inspect.getmembers(module, inspect.isfunction):
            asks = inspect.signature(action).parameters
            is_ours = action.__module__.startswith(module.__name__)
            is_act = "actor" in asks or "begin(" in inspect.getsource(action)
            if not (is_ours and is_act) or name.startswith("_") or name in by_nature:
                continue
            key = asks.get("key")
            assert key is not None, f"{app}.{name}"
            assert key.default is inspect.Parameter.empty, f"{app}.{name}"
            asked += 1

    assert asked >= 48


@pytest.mark.django_db
def test_no_key_can_be_missing_in_the_database():
    """A key that may be NULL under a partial unique index never refuses anything
    (Lago #5870)."""
    without_key = """
        select ledger_begin('issue_voucher', null, 'x', 'user:1', 'voucher:V-1', now(), '', '{}')
    """
    # A unique index lets any number of NULLs in: these columns may have none, by nature.
    nullable = """
        select i.indrelid::regclass || '.' || a.attname from pg_index i
        join pg_class c on c.oid = i.indrelid and c.relnamespace = 'public'::regnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey)
        where i.indisunique and not a.attnotnull
    """

    with pytest.raises(IntegrityError, match="null value"), transaction.atomic():
        connection.cursor().execute(without_key)

    with connection.cursor() as cursor:
        cursor.execute(nullable)
        assert {row[0] for row in cursor.fetchall()} == {
            "ledger_transfer.reverses_id",
            "vouchers_application.upstream_award_id",
            "vouchers_decision.undoes_id",
            # A part of a voucher has a whole and no decision; CHECK asks for one of the two.
            "vouchers_voucher.decision_id",
            "vouchers_voucher.parent_id",
            # What is set off was not proposed.
            "billing_collection.proposal_id",
            # What is set off, or paid in cash, is no entry of a bank's file.
            "billing_collection.bank_line_id",
            # Most payments follow none that came back.
            "billing_payment.follows_id",
            # A document that was refused proves nothing, and may come again.
            "billing_ownsharedecision.accepted_sha256",
            "billing_verdict.usage_from",
            "billing_verdict.usage_line_id",
            # Only a signed batch of telemetry has a number.
            "billing_telemetrybatch.sequence",
            # Those of before the register have no authority; a key may stand alone.
            "providers_accreditation.authority_id",
            "providers_apikey.application_id",
            "providers_apikey.replaces_id",
            # Of the OAuth library's own tables (docs/decisions/0020).
            "oauth2_provider_accesstoken.id_token_id",
            "oauth2_provider_accesstoken.source_refresh_token_id",
            "oauth2_provider_refreshtoken.access_token_id",
            "oauth2_provider_refreshtoken.revoked",
        }
    assert queries.extent().acts == 0


@pytest.mark.slow
def test_the_13_000th_account_costs_as_much_as_the_first(committed_db):
    """A trigger kept a tree of accounts; opening 13,000 of them took seconds each hundred
    (hordak #40)."""
    open_book()

    @transaction.atomic
    def pages_read(number):
        act = begin(f"open {number}", ActKind.ISSUE_VOUCHER)
        opening = [act.id, f"voucher:P:W-{number}", AccountKind.VOUCHER]
        with connection.cursor() as cursor:
            cursor.execute(
                "explain (analyze, buffers, format json)"
                " select ledger_open_account(%s, %s, %s::smallint, 'CNY')",
                opening,
            )
            return cursor.fetchone()[0][0]["Plan"]["Shared Hit Blocks"]

    # The first few also read what PostgreSQL then remembers.
    first = max(pages_read(number) for number in range(20))
    for number in range(20, 12_999):
        with transaction.atomic():
            act = begin(f"open {number}", ActKind.ISSUE_VOUCHER)
            ledger.open_account(act, f"voucher:P:W-{number}", AccountKind.VOUCHER, "CNY")
    last = pages_read(12_999)

    assert 0 < last < first * 2
    assert queries.balance("voucher:P:W-12999").net == 0
    assert queries.accounts_found("voucher:P:W-").count() == 13_000


@pytest.mark.slow
def test_no_written_row_is_changed_not_even_to_or_from_null(committed_db):
    """The trigger that forbade updates compared with NULL, and so forbade nothing
    (Blnk migration 1781162328)."""
    open_book(voucher_amount=400_00)
    capture("c", hold("h", 300_00), 100_00)
    seal(NOON)
    written = """
        select c.relname, array_agg(a.attname::text order by a.attnum) from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where exists (select 1 from pg_trigger t where t.tgrelid = c.oid
            and t.tgname in ('append_only', 'insert_only'))
        group by 1 order by 1
    """

    with psycopg.connect(libpq_url(committed_db.owner_url), autocommit=True) as owner:
        tables = owner.execute(written).fetchall()
        changes = [
            f"update {table} set {column} = {value}"
            for table, columns in tables
            for column in columns
            for value in ("null", column)
        ]
        losses = [
            loss
            for table in [
                *(table for table, _columns in tables),
                "ledger_balance",
                "ledger_hold",
            ]
            for loss in (f"delete from {table}", f"truncate {table} cascade")
        ]
        for statement in changes + losses:
            with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
                owner.execute(statement)

    ours = {table for table, _columns in tables if table.startswith("ledger_")}
    assert ours == {
        f"ledger_{name}"
        for name in (
            "act",
            "key",
            "account",
            "transfer",
            "block",
            "snapshot",
            "kind",
            "flow",
            "period",
        )
    }
    assert queries.accounts_out_of_step() == []


@pytest.mark.django_db
def test_no_trigger_derives_a_figure():
    """Row triggers kept derived volumes, and had to be mended again and again
    (Formance, 16 of 54 schema migrations). Of the ledger there is none. What a statement adds
    to the usage lines is named and summed by a trigger of the statement, and held to the lines
    by property tests (`tests/billing/test_usage_months.py`, `test_correct_usage.py`,
    docs/decisions/0022)."""
    triggers = """
        select distinct p.proname, p.prosrc from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where not t.tgisinternal
    """

    with connection.cursor() as cursor:
        cursor.execute(triggers)
        found = dict(cursor.fetchall())

    of_usage = {
        "billing_usage_added",
        "billing_usage_references_exist",
        "billing_usage_taken_back",
    }
    assert set(found) - of_usage == {
        "ledger_append_only",
        "ledger_act_same_transaction",
        "ledger_refuse_closed",
        "references_exist",
        "vouchers_attachment_stays",
        "two_people",
        "released_by_another",
        "batch_parts_apart",
        "batch_stages_in_order",
        "batch_list_frozen",
        "billing_shares_add_up",
        "billing_parts_add_up",
    }
    for name in set(found) - of_usage:
        assert not {"insert", "update", "delete", "perform"} & set(found[name].split())
