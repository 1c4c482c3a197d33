"""Use that comes later than the law lets it is refused row by row; what came in time stays."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.models import UsageHour, UsageLine
from tests import cast
from tests.billing import stage
from tests.cast.committee import law
from vouchers import actions as vouchers
from vouchers.queries import metering_rules

pytestmark = pytest.mark.django_db

SECTION = '\n[metering]\nclause = "Article 14"\ndays = 10\nafter = "{after}"\n'
# The programme's midnights are those of Shanghai, eight hours before UTC's.
TENTH_IS_OVER = datetime(2025, 7, 10, 16, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
JUNE_ENDS = stage.JULY


def scene_of(after):
    """Return a voucher and an order, under a law with ten days after the month or the use."""
    authority = cast.make_authority()
    seller = cast.make_provider(authority)
    scheme = cast.make_programme(authority, text=law(SECTION.format(after=after)))
    applicant = cast.an_sme()
    voucher = cast.an_issued_voucher(scheme, applicant)
    return cast.Scene(authority, seller, scheme, applicant, voucher)


@pytest.fixture
def scene():
    return scene_of("MONTH")


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller)


def send(scene, *records, **more):
    """Send records as the rows of one batch."""
    rows = [one._replace(row=number) for number, one in enumerate(records, start=1)]
    return stage.record(scene.seller, *rows, **more)


def until_midnight(order, key="job-1", hours=2):
    """Return a run that ends with June."""
    started = JUNE_ENDS - timedelta(hours=hours)
    return stage.a_record(order.code, key, hours=hours, started=started)


def test_without_a_limit_in_the_law_use_may_come_at_any_time():
    scene = cast.make_scene(cast.M3)
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)

    report = send(scene, stage.a_record(order.code), at=stage.LATER + timedelta(days=900))

    assert (report.recorded, report.errors) == (1, ())


def test_until_the_last_moment_of_the_last_day_it_counts(scene, order):
    report = send(scene, until_midnight(order), at=TENTH_IS_OVER - MOMENT)

    assert (report.recorded, report.errors) == (1, ())


def test_afterwards_it_is_refused_with_the_day_until_which_it_could_come(scene, order):
    report = send(
        scene,
        until_midnight(order, "june"),
        stage.a_record(order.code, "july", started=JUNE_ENDS - timedelta(seconds=1)),
        at=TENTH_IS_OVER,
    )

    assert report.recorded == 1
    (error,) = report.errors
    assert (error.code, error.column) == ("too_late", "end")
    assert error.problem == (
        "This use ended at 2025-06-30 16:00:00 UTC. By the programme’s law (Article 14) it could "
        "be sent until 2025-07-10."
    )
    assert error.fix == (
        "Check the end and its time zone. What comes later is not paid by the programme."
    )
    assert UsageLine.objects.get().key == "july"
    assert sum(UsageHour.objects.values_list("quantity_ms", flat=True)) == 10 * stage.HOUR


def test_after_the_use_itself_the_days_are_those_of_each_run():
    scene = scene_of("USE")
    order = cast.a_hold(scene.voucher, scene.applicant, scene.seller)
    tenth = stage.START - timedelta(hours=12)
    rows = [
        stage.a_record(order.code, f"day {n}", hours=1, started=tenth + timedelta(days=n))
        for n in range(3)
    ]

    report = send(scene, *rows, at=stage.START + timedelta(days=11))

    assert (report.recorded, [error.values["until"] for error in report.errors]) == (
        2,
        ["2025-06-20"],
    )


def test_what_came_in_time_is_known_however_late_it_comes_again(scene, order):
    send(scene, until_midnight(order), at=stage.LATER)

    report = send(
        scene,
        until_midnight(order),
        until_midnight(order, "new"),
        at=TENTH_IS_OVER,
    )

    assert (report.recorded, report.known_before) == (0, 1)
    assert [error.code for error in report.errors] == ["too_late"]
    assert UsageLine.objects.count() == 1


def test_asked_twice_what_came_in_time_stays_recorded_though_it_is_late_by_then(scene, order):
    first = send(scene, until_midnight(order), at=stage.LATER, key="one")

    again = send(scene, until_midnight(order), at=TENTH_IS_OVER, key="one")

    assert (again.recorded, again.errors) == (first.recorded, ()) == (1, ())
    assert UsageLine.objects.count() == 1


def test_a_late_row_that_comes_twice_is_refused_twice(scene, order):
    late = until_midnight(order)

    report = send(scene, late, late, at=TENTH_IS_OVER)

    assert (report.recorded, [error.code for error in report.errors]) == (0, ["too_late"] * 2)
    assert not UsageLine.objects.exists()


def test_a_part_of_a_voucher_has_the_window_of_the_whole():
    split = '\n[voucher]\nclause = "Article 13"\nsplit = "ALLOW"\n'
    authority = cast.make_authority()
    scheme = cast.make_programme(authority, text=law(SECTION.format(after="MONTH"), split))
    applicant = cast.an_sme()
    whole = cast.an_issued_voucher(scheme, applicant)
    part = vouchers.split_voucher(
        voucher=whole,
        label="Vision",
        amount=20_000_00,
        actor=applicant.person,
        at=cast.NOON,
        key="split",
    )

    rules = metering_rules([whole.pk, part.pk])

    assert rules[part.pk] == rules[whole.pk]
    assert (rules[part.pk].clause, rules[part.pk].days) == ("Article 14", 10)
    assert metering_rules([]) == {}
