"""Any instant since a backup can be had again exactly, and a failing archive is loud."""

import io
import shutil
import time
from datetime import UTC, date, datetime, timedelta

import environ
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.test import override_settings

from billing import actions
from billing.models import UsageArchive, UsageLine
from common.copies import fingerprint, is_whole, second_place
from config.drill import balances_as_committed_by, balances_now, differences, proof_of
from config.embedded import EmbeddedServerError, lend_postgres, superuser_url
from config.embedded.archive import alarm_of, archive_now
from config.embedded.backup import backups_in, make_backup
from config.embedded.restoring import remove_cluster, replace, restore
from config.embedded.server import server_of
from config.embedded.usage_files import named_in
from config.embedded.wal import archive_of, archived, unbroken_from
from tests import cast
from tests.billing import stage
from tests.ground.conftest import _ground
from tests.ground.servers import ask, kill
from tests.ledger import book

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def var():
    """A folder as `var/` is, with a durable cluster that has a ledger and one backup."""
    for folder in _ground():
        with lend_postgres(folder / "pg18") as url:
            yield folder, url
            for made in folder.glob("made-*/PG_VERSION"):
                remove_cluster(made.parent)


@pytest.fixture(scope="module")
def live(var, django_db_setup, django_db_blocker):
    """The folder of that cluster; Django writes to its ledger as the owner."""
    folder, url = var
    told = connection.settings_dict
    before = dict(told)
    with django_db_blocker.unblock():
        connections.close_all()
        told.update(environ.Env.db_url_config(url), ENGINE="django.db.backends.postgresql")
        call_command("migrate", verbosity=0)
        book.open_book(vouchers=3, voucher_amount=100_00)
        make_backup(folder / "pg18", folder / "backup", folder / "archive")
        try:
            yield folder / "pg18"
        finally:
            connections.close_all()
            told.clear()
            told.update(before)


@pytest.fixture
def ours(live, settings, monkeypatch):
    """The folder of the cluster, which the commands take for the checkout's own."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings.VAR_DIR = live.parent
    settings.USAGE_ARCHIVE_FOLDER = str(files(live))
    return live


def files(data):
    """The folder of archived usage lines beside a cluster."""
    return data.with_name("archive")


def write(name):
    """Hold, capture a part, and hold again: three acts."""
    hold = book.hold(f"{name} held", 10_00)
    book.capture(f"{name} captured", hold, 4_00)
    book.hold(f"{name} held again", 7_00, voucher=2)


def moment():
    """An instant with nothing committed just before or after it."""
    time.sleep(0.05)
    found = datetime.now(UTC)
    time.sleep(0.05)
    return found


def owner_url(data):
    with lend_postgres(data) as url:
        return url


def test_instant_between_two_acts_is_had_again_exactly_and_a_changed_row_is_noticed(live):
    write("before")
    instant = moment()
    write("after")
    archive_now(live)

    made = restore(live.with_name("backup"), instant, live.with_name("made-between"))

    then = balances_as_committed_by(owner_url(live), instant)
    now = balances_now(owner_url(live))
    with lend_postgres(made.data) as url:
        restored = balances_now(url)
        assert differences(then, restored) == []
        assert proof_of(url).broken == []
        assert (now.acts - restored.acts, restored.balances["voucher:P:V-1"][3]) == (3, 6_00)
        assert differences(now, restored)
        with psycopg.connect(superuser_url(made.data), dbname="tessera") as session:
            session.execute("update ledger_hold set remaining = remaining - 1 where state = 1")
        assert len(differences(then, balances_now(url))) == 2
        assert "hold" in proof_of(url).broken[0]
    assert server_of(made.data).data.stat().st_uid == server_of(live).uid


def test_instant_before_the_backup_or_after_the_archive_is_refused_and_nothing_made(live):
    place, into = live.with_name("backup"), live.with_name("made-never")
    oldest = backups_in(place)[0]

    with pytest.raises(EmbeddedServerError, match="lies before the end of the oldest backup"):
        restore(place, oldest.ended_at - timedelta(microseconds=1), into)
    with pytest.raises(
        EmbeddedServerError, match=r"ends, or has a gap, after .*Give an instant"
    ):
        restore(place, datetime.now(UTC) + timedelta(hours=1), into)
    with pytest.raises(EmbeddedServerError, match="is not empty"):
        restore(place, None, live)
    with pytest.raises(EmbeddedServerError, match="holds no backup"):
        restore(live.with_name("secrets"), None, into)

    assert not into.exists()
    assert not into.with_name("made-never.new").exists()


def test_missing_segment_is_refused_rather_than_passed_over(live):
    place, into = live.with_name("backup"), live.with_name("made-short")
    archive_now(live)
    write("one more")
    archive_now(live)
    segment = sorted((place / "wal").glob("*[0-9A-F].gz"))[-2]
    segment.rename(place / "away")
    try:
        with pytest.raises(EmbeddedServerError, match="missing or damaged"):
            restore(place, None, into)
    finally:
        (place / "away").rename(segment)

    assert not into.exists()


def test_archive_that_can_not_be_written_is_told_and_comes_back(ours):
    wal = ours.with_name("backup") / "wal"
    wal.chmod(0o500)
    try:
        write("while closed")
        with pytest.raises(EmbeddedServerError, match=f"can't be put into {wal}.*denied"):
            archive_now(ours)
        assert "disk fills" in alarm_of(ours)
        with pytest.raises(CommandError, match="can't be put into"):
            call_command("backup", "--status", stdout=io.StringIO())
    finally:
        wal.chmod(0o700)

    archive_now(ours)

    assert alarm_of(ours) == ""


def test_segment_with_other_content_is_never_overwritten(live):
    wal = live.with_name("backup") / "wal"
    (name,) = ask(superuser_url(live), "select pg_walfile_name(pg_current_wal_lsn())")
    other = wal / f"{name}.gz"
    other.write_bytes(b"another cluster's")
    try:
        with pytest.raises(EmbeddedServerError, match="can't be put into"):
            archive_now(live)
        assert other.read_bytes() == b"another cluster's"
    finally:
        other.unlink()
    archive_now(live)


def test_killed_server_is_restored_to_its_last_commit_and_put_in_place(ours):
    write("just before the kill")
    held = balances_now(owner_url(ours))
    connections.close_all()
    kill(ours)
    said = io.StringIO()

    into = ours.with_name("made-latest")
    call_command("restore", "--to", "latest", "--into", str(into), stdout=said)

    assert "The ledger is proven." in said.getvalue()
    assert f"{held.acts} acts, {held.transfers} transfers" in said.getvalue()
    place = ours.with_name("made-place")
    restore(ours.with_name("backup"), backups_in(ours.with_name("backup"))[0].ended_at, place)
    with lend_postgres(place), pytest.raises(EmbeddedServerError, match="is in use"):
        replace(place, into)
    aside = replace(place, into)
    try:
        with lend_postgres(place) as url:
            assert differences(held, balances_now(url)) == []
            with pytest.raises(EmbeddedServerError, match="before this cluster was restored"):
                make_backup(place, ours.with_name("backup"), files(ours))
        assert (aside / "PG_VERSION").exists()
        assert archive_of(server_of(aside)) is None
        assert not into.exists()
    finally:
        remove_cluster(aside)


def test_backup_that_fails_half_way_leaves_no_gap_where_wal_went_before(live, ground):
    place, wal = ground / "spoilt", live.with_name("backup") / "wal"
    (place / "wal").mkdir(parents=True)
    (place / "secrets").write_text("no folder")
    for path in (place, place / "wal"):
        shutil.chown(path, server_of(live).uid)
    before, unbroken = archive_of(server_of(live)), unbroken_from(wal)
    write("before a failure")

    with pytest.raises(OSError, match="secrets"):
        make_backup(live, place, files(live))

    assert archived(place / "wal")
    assert archive_of(server_of(live)) == before == wal
    assert second_place(files(live)) == live.with_name("backup") / "usage"
    write("after a failure")
    archive_now(live)
    assert unbroken_from(wal) == unbroken
    made = restore(live.with_name("backup"), None, live.with_name("made-unspoilt"))
    with lend_postgres(made.data) as url:
        assert differences(balances_now(owner_url(live)), balances_now(url)) == []


def test_drill_compares_a_random_instant_and_leaves_nothing(ours):
    write("for the drill")
    said = io.StringIO()

    call_command("restore", "--drill", "--seed", "7", stdout=said)

    assert said.getvalue().startswith("Seed 7\n")
    assert said.getvalue().endswith("Equal.\n")
    assert not ours.with_name("pg18-drill").exists()


def test_older_backups_go_with_the_wal_that_only_they_needed(live, ground):
    place = ground / "elsewhere"
    first = make_backup(live, place, files(live), keep=1)
    second = make_backup(live, place, files(live), keep=1)

    assert backups_in(place) == [second]
    assert not first.folder.exists()
    assert (
        min(p.name for p in (place / "wal").glob("*[0-9A-F].gz"))[:24] >= second.first_segment
    )
    make_backup(live, live.with_name("backup"), files(live))


def test_gap_left_by_another_folder_is_told_and_a_server_without_archiving_refused(
    ours, ground, cluster
):
    said = io.StringIO()
    make_backup(ours, ground / "elsewhere", files(ours))
    archive_now(ours)
    with pytest.raises(
        CommandError, match=r"not put into .*backup any more, but into .*elsewhere"
    ):
        call_command("backup", str(ours.with_name("backup")), "--status", stdout=io.StringIO())

    call_command("backup", str(ours.with_name("backup")), stdout=said)

    assert said.getvalue().count("(a gap in the WAL after it)") == 1
    assert f"WAL went to {ground / 'elsewhere' / 'wal'} until now." in said.getvalue()
    with pytest.raises(EmbeddedServerError, match="started without archiving"):
        make_backup(cluster, ground / "fast", files(ours))


def test_folder_with_something_else_and_an_instant_without_offset_are_refused(ours, ground):
    (ground / "letters").mkdir()
    (ground / "letters" / "letter.txt").write_text("Dear Sir")
    shutil.chown(ground / "letters", server_of(ours).uid)

    with pytest.raises(EmbeddedServerError, match="other than backups"):
        make_backup(ours, ground / "letters", files(ours))
    with pytest.raises(CommandError, match="offset from UTC"):
        call_command("restore", "--to", "2025-06-02T12:00:00", "--into", str(ground / "new"))


@pytest.fixture(scope="module")
def archived_month(live):
    """The file of a month of usage lines, archived after the backup; and an instant before that."""
    with override_settings(USAGE_ARCHIVE_FOLDER=str(files(live))):
        scene = cast.make_scene(cast.M3)
        order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
        stage.use(scene.seller, order, hours=10)
        stage.settle(stage.bill(scene))
        before = moment()
        made = actions.archive_month(
            month=date(2025, 6, 1), at=datetime(2028, 7, 9, tzinfo=UTC)
        )
    assert not UsageLine.objects.exists()
    return files(live) / made.file, before


def test_an_archived_month_is_in_the_backups_before_its_lines_go_and_is_put_back(
    ours, archived_month
):
    file, before = archived_month
    copy = ours.with_name("backup") / "usage" / file.name
    assert fingerprint(copy) == fingerprint(file)
    file.unlink()
    said = io.StringIO()

    call_command(
        "restore", "--to", "latest", "--into", str(ours.with_name("made-a")), stdout=said
    )

    assert "1 files of archived usage lines are in" in said.getvalue()
    assert "1 of them put back." in said.getvalue()
    assert fingerprint(file) == fingerprint(copy)
    assert UsageArchive.objects.get().sha256 == fingerprint(file)

    # A damaged file is as good as none.
    file.write_bytes(b"damaged")
    call_command(
        "restore", "--to", "latest", "--into", str(ours.with_name("made-b")), stdout=said
    )
    assert fingerprint(file) == fingerprint(copy)

    # Before it was archived its lines are rows, and no file is asked for.
    archive_now(ours)
    made = restore(ours.with_name("backup"), before, ours.with_name("made-c"))
    with lend_postgres(made.data) as url:
        assert named_in(url) == []
        with psycopg.connect(url) as asked:
            assert asked.execute("select count(*) from billing_usageline").fetchone() == (1,)

    # What is in neither place is said, by status, drill and restore.
    make_backup(ours, ours.with_name("backup"), files(ours))
    away = copy.rename(copy.with_suffix(".away"))
    try:
        with pytest.raises(CommandError, match=f"{file.name}.* are not in"):
            call_command("backup", "--status", stdout=io.StringIO())
        drilled = io.StringIO()
        with pytest.raises(CommandError, match="differs"):
            call_command("restore", "--drill", "--seed", "7", stdout=drilled)
        assert f"DIFFERS archive file {file.name}: not in" in drilled.getvalue()
        file.unlink()
        with pytest.raises(CommandError, match=f"{file.name}.* are neither in"):
            call_command(
                "restore",
                "--to",
                "latest",
                "--into",
                str(ours.with_name("made-d")),
                stdout=io.StringIO(),
            )
    finally:
        away.rename(copy)
    call_command("backup", "--status", stdout=said)
    assert "usage  1 files of archived lines" in said.getvalue()


def test_another_folder_of_backups_has_each_file_and_never_a_damaged_one(
    ours, ground, archived_month
):
    file, _before = archived_month
    copy = ours.with_name("backup") / "usage" / file.name
    file.write_bytes(b"damaged")

    make_backup(ours, ours.with_name("backup"), files(ours))
    assert is_whole(copy)
    with pytest.raises(OSError, match="is not what it was when it was written"):
        make_backup(ours, ground / "another", files(ours))
    assert second_place(files(ours)) == copy.parent
    shutil.copy(copy, file)
    made = make_backup(ours, ground / "another", files(ours))

    assert fingerprint(made.usage / file.name) == fingerprint(copy)
    assert second_place(files(ours)) == made.usage
    call_command("backup", "--stop", stdout=io.StringIO())
    assert second_place(files(ours)) is None
