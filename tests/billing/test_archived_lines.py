"""A line in the archive is all that it was: its columns, its opposite, and what is told of it."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from billing import actions, queries
from billing.actions import archive as archiving
from billing.models import BillLine, UsageArchive, UsageCorrection, UsageKey, UsageLine
from billing.queries.archive import archived_lines, lines_in
from billing.queries.focus import cost_rows
from billing.queries.months import freshness_of, months_of_use
from common.copies import LINK, files_in, use_second_place
from common.errors import NotFound
from ledger.actions import KeyReused
from ledger.queries import extent
from scoring.indicators.frames import frames_at
from scoring.indicators.report import report
from scoring.queries import voucher_facts
from tests import cast
from tests.billing import stage
from vouchers import actions as vouchers
from vouchers.models import UseQuestion
from vouchers.queries import has_use, order_use

pytestmark = pytest.mark.django_db

HOUR = stage.HOUR
JUNE = date(2025, 6, 1)
AT = datetime(2028, 7, 9, tzinfo=UTC)
DEVICE = "GPU-11111111-2222-3333-4444-555555555555"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.USAGE_ARCHIVE_FOLDER = str(tmp_path / "archive")
    return tmp_path / "archive"


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def used(scene, order, key="job-1", **more):
    """Record ten hours of one GPU, 250.00."""
    return recorded(scene, stage.a_record(order.code, key, **more))


def recorded(scene, record):
    assert stage.record(scene.seller, record).errors == ()
    return UsageLine.objects.get(key=record.key)


def correct(scene, line, *, hours=None, key="correct", right_key="right"):
    """Take a line back; of it so many hours were right."""
    right = hours and actions.right_of(
        line,
        key=right_key,
        count_thousandths=line.count_thousandths,
        started_at=line.started_at,
        ended_at=line.started_at + timedelta(hours=hours),
    )
    return actions.correct_usage(
        line=line,
        reason="The node was down",
        right=right,
        actor=scene.seller.person,
        at=stage.LATER,
        key=key,
    )


def archive():
    return actions.archive_month(month=JUNE, at=AT)


def every(line):
    return {
        field.column: getattr(line, field.attname) for field in UsageLine._meta.concrete_fields
    }


def test_the_archive_carries_and_seals_every_column_that_lines_have():
    """Whoever gives lines a column says here how it goes into the file, and into its seal."""
    types = {
        "bigint": "BIGINT",
        "character varying": "VARCHAR",
        "numeric": "DECIMAL",
        "timestamp with time zone": "TIMESTAMP",
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "select column_name, data_type from information_schema.columns"
            " where table_schema = 'public' and table_name = 'billing_usageline'"
        )
        columns = {name: types.get(kind, kind) for name, kind in cursor.fetchall()}
        cursor.execute(
            "select pg_get_functiondef('billing_usage_seal(bigint, bigint)'::regprocedure)"
        )
        (ours,) = cursor.fetchone()

    assert {name: kind.partition("(")[0] for name, kind in archiving._TYPES.items()} == columns
    for text in (ours, archiving._SEAL):
        found = re.search(r"concat_ws\((.*)\)\), 15\)", text, re.DOTALL)
        assert found is not None
        names = set(re.findall(r"[a-z_]+", found[1])) & set(columns)
        assert names == set(columns)


def test_a_line_and_its_opposite_are_decided_and_come_back_as_they_were(scene, order):
    done = correct(scene, used(scene, order))
    before = {line.pk: every(line) for line in UsageLine.objects.all()}
    assert has_use(order)
    use = order_use(order)

    made = archive()

    assert (made.lines, made.quantity_ms, made.amount) == (2, 0, 0)
    found = archived_lines(before)
    assert {pk: every(line) for pk, line in found.items()} == before
    assert found[done.opposite.pk].corrects_id == done.line.pk
    assert not UsageLine.objects.exists()
    # That there was use, and was none after all, is known as before.
    assert has_use(order)
    assert order_use(order) == use


def test_the_right_line_beside_them_is_billed_before_the_month_goes(scene, order):
    done = correct(scene, used(scene, order), hours=4)

    with pytest.raises(actions.MonthNotDecided, match="1 usage lines of 2025-06"):
        archive()
    assert UsageLine.objects.count() == 3

    stage.settle(stage.bill(scene))
    assert archive().lines == 3
    assert archived_lines([done.right.pk])[done.right.pk].amount == 100_00


def test_a_claimed_line_taken_back_holds_no_month_back():
    """Use without an order is claimed while the voucher lasts; what was taken back is not."""
    scene = cast.make_scene(cast.M1)
    line = recorded(scene, stage.a_record(scene.voucher.code))
    with pytest.raises(actions.MonthNotDecided, match="1 usage lines"):
        archive()

    correct(scene, line)

    assert archive().lines == 2
    assert queries.metered_ms(scene.voucher, stage.JUNE, stage.JULY) == 0


def test_a_line_in_the_archive_is_not_corrected_and_nothing_moves(scene, order):
    line = used(scene, order)
    stage.settle(stage.bill(scene))
    archive()
    before = extent(), UsageKey.objects.count()
    found = queries.usage_line_named(scene.seller.provider, line.source, line.key)
    assert every(found) == every(line)

    for asked in (line, found):
        with pytest.raises(actions.UsageArchived) as refused, transaction.atomic():
            correct(scene, asked, hours=4)
        said = str(refused.value)
        assert "All of 2025-06 was decided" in said
        assert "lies in the archive since 2028-07-09" in said
        assert "a finance officer corrects the settlement in the ledger" in said
    assert (extent(), UsageKey.objects.count()) == before
    assert not UsageLine.objects.exists()
    assert not UsageCorrection.objects.exists()


def test_the_database_takes_no_opposite_of_a_line_that_it_has_not(scene, order):
    line = used(scene, order)
    stage.settle(stage.bill(scene))
    archive()
    values = {**every(line), "id": line.pk + 64, "key": "forged", "corrects_id": line.pk}
    for name in ("count_thousandths", "quantity_ms", "amount"):
        values[name] = -values[name]

    with (
        pytest.raises(DatabaseError, match="not its opposite"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            f"insert into billing_usageline ({', '.join(values)})"
            f" values ({', '.join(['%s'] * len(values))})",
            list(values.values()),
        )

    assert not UsageLine.objects.exists()


def test_a_correction_asked_again_after_the_month_went_gives_its_first_answer(scene, order):
    line = used(scene, order)
    first = correct(scene, line, hours=4)
    stage.settle(stage.bill(scene))
    archive()
    before = extent()

    again = correct(scene, line, hours=4)

    assert again == first
    assert every(again.right) == every(first.right)
    assert extent() == before
    with pytest.raises(KeyReused), transaction.atomic():
        correct(scene, line, hours=5)


def told(scene, order, bill):
    """Return all that is told of June's lines, by every query that a report or a page asks."""
    provider, officer = scene.seller.person, scene.authority.officer
    noon = stage.START + timedelta(hours=4, microseconds=1)
    seen = {
        who.pk: [every(line) for line in queries.usage_seen_by(who)[:50]]
        for who in (provider, scene.applicant.person, officer)
    }
    frames = frames_at(AT)
    return {
        "seen": seen,
        "newest": [line.key for line in queries.usage_seen_by(provider).newest(2)],
        "metered": queries.metered_ms(order, stage.JUNE, stage.JULY),
        "cut": queries.metered_ms(order, noon, stage.JULY),
        "by class": queries.metered_by_class(
            stage.JUNE, noon, voucher_id=scene.voucher.pk, provider_id=scene.seller.provider.pk
        ),
        "days": [queries.daily_usage(one) for one in (order, scene.voucher)],
        "order": (order_use(order), has_use(order)),
        "months": months_of_use(scene.authority.regulator),
        "fresh": freshness_of(scene.authority.regulator),
        "focus": list(cost_rows(provider, bill)),
        "evidence": queries.evidence_of_bill(
            BillLine.objects.select_related("bill", "usage_line").order_by("pk")
        ),
        "frame": frames.usage.to_dict("records"),
        "figures": [(one.scope, one.code, one.value) for one in report(AT).figures],
        "facts": voucher_facts(scene.voucher, AT),
        "line": [
            every(queries.usage_line_of(provider, number))
            for number in UsageKey.objects.order_by("line_id").values_list("line_id", flat=True)
        ],
        "taken back": [
            (one.pk, every(queries.correction_of(UsageLine(pk=one.pk)).opposite))
            for one in UsageCorrection.objects.all()
        ],
    }


def test_figures_are_the_same_before_and_after(scene, order):
    record = stage.a_record(order.code, "job-1")._replace(device=DEVICE)
    recorded(scene, record)
    uneven = stage.a_record(order.code, "job-2", started=stage.START + timedelta(hours=13))
    third = uneven._replace(
        count_thousandths=333, ended_at=uneven.started_at + timedelta(hours=7, seconds=1)
    )
    recorded(scene, third)
    wrong = used(scene, order, "wrong", started=stage.START + timedelta(days=2))
    correct(scene, wrong, hours=3)
    bill = stage.bill(scene)
    stage.settle(bill)
    before = told(scene, order, bill)
    assert len(before["seen"][scene.seller.person.pk]) == 5
    assert before["metered"] == 13 * HOUR + third.quantity_ms
    assert 0 < before["cut"] < before["metered"]
    assert before["days"][0][0].quantity_ms > 0
    assert before["evidence"][0] is not None

    archive()
    assert not UsageLine.objects.exists()

    assert told(scene, order, bill) == before


def test_the_list_goes_on_from_lines_here_to_each_file_of_the_archive(scene, order):
    for number in range(3):
        used(scene, order, f"june {number}", started=stage.START + timedelta(hours=11 * number))
    stage.settle(stage.bill(scene))
    archive()
    used(scene, order, "late", started=stage.START + timedelta(days=5))
    stage.settle(stage.bill(scene, invoice="INV-2"))
    assert archive().part == 2
    used(scene, order, "july", started=stage.START + timedelta(days=30))
    seen = queries.usage_seen_by(scene.seller.person)
    names = ["july", "late", "june 2", "june 1", "june 0"]

    assert (len(seen), seen.archived) == (5, 4)
    for begin in range(5):
        for end in range(begin, 7):
            assert [line.key for line in seen[begin:end]] == names[begin:end]
    for most in range(7):
        assert [line.key for line in seen.newest(most)] == names[:most]
    assert {line.order for line in seen[0:5]} == {order}
    stranger = cast.make_provider(cast.make_authority("Another Bureau"))
    assert len(queries.usage_seen_by(stranger.person)) == 0


def test_of_a_page_of_lines_here_no_file_is_opened(scene, order, folder):
    used(scene, order)
    stage.settle(stage.bill(scene))
    archive()
    used(scene, order, "july", started=stage.START + timedelta(days=30))
    for file in files_in(folder):
        file.unlink()

    assert [line.key for line in queries.usage_seen_by(scene.seller.person)[0:1]] == ["july"]


def test_a_line_in_the_archive_is_seen_by_whoever_saw_it(scene, order):
    line = used(scene, order)
    stage.settle(stage.bill(scene))
    made = archive()

    for who in (scene.seller.person, scene.applicant.person, scene.authority.officer):
        found = queries.usage_line_of(who, line.pk)
        assert (every(found), found.archive) == (every(line), made)
    other = cast.make_authority("Another Bureau")
    for who in (cast.make_provider(other).person, other.officer):
        with pytest.raises(NotFound):
            queries.usage_line_of(who, line.pk)
    for number in (line.pk + 64, 1, 2**62):
        with pytest.raises(NotFound):
            queries.usage_line_of(scene.seller.person, number)


def test_nobody_is_asked_about_a_line_in_the_archive_and_nothing_moves(scene, order):
    line = used(scene, order)
    stage.settle(stage.bill(scene))
    archive()
    before = extent()

    with pytest.raises(vouchers.UseArchived) as refused, transaction.atomic():
        vouchers.ask_about_use(
            order=order,
            source=line.source,
            name=line.key,
            text="What was that?",
            actor=scene.applicant.person,
            at=AT,
            key="ask",
        )

    assert "1 lines of it are of decided months and lie in the archive" in str(refused.value)
    assert extent() == before
    assert not UseQuestion.objects.exists()


def test_with_backups_the_file_is_beside_them_before_its_lines_go(
    scene, order, folder, tmp_path
):
    used(scene, order)
    stage.settle(stage.bill(scene))
    place = tmp_path / "backup"
    folder.mkdir()
    use_second_place(folder, place)
    before = extent()

    with pytest.raises(actions.ArchiveNotCopied) as refused, transaction.atomic():
        archive()

    assert f"The file of 2025-06 can't be copied to {place}" in str(refused.value)
    assert extent() == before
    assert UsageLine.objects.count() == 1
    assert not UsageArchive.objects.exists()

    place.mkdir()
    made = archive()

    assert [path.name for path in place.iterdir()] == [made.file]
    assert (place / made.file).read_bytes() == (folder / made.file).read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [LINK, made.file]
    assert [line.key for line in lines_in(stage.JUNE, stage.JULY)] == ["job-1"]
