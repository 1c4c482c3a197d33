"""A metered interval is recorded once; a row in error never keeps a good one out."""

import io
import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from billing import actions
from billing.models import UsageFile, UsageLine
from billing.queries import daily_usage, metered_ms
from billing.reasons import row_error_of
from billing.usage.options import FileEmpty, JsonBroken
from ledger.actions import KeyReused
from ledger.queries import extent
from tests import cast
from tests.billing import stage

pytestmark = pytest.mark.django_db

HOUR = stage.HOUR
HEADER = "job_id,voucher,resource,class,count,start,end,state\n"


@pytest.fixture
def scene():
    return cast.make_scene(cast.M3)


@pytest.fixture
def order(scene):
    return cast.a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="Lab-A")


def send(scene, text, *, key="file", is_dry_run=False, format="csv", **more):
    return actions.record_usage_file(
        provider=scene.seller.provider,
        name="june.csv",
        format=format,
        stream=io.BytesIO(text.encode()),
        source="slurm",
        resource=None,
        is_dry_run=is_dry_run,
        actor=scene.seller.person.address,
        at=stage.LATER,
        key=key,
        **more,
    )


def a_row(account, job="1", end="2025-06-10 18:00:00", resource="GPU"):
    return f"{job},{account},{resource},H100,2,2025-06-10 08:00:00,{end},COMPLETED\n"


def test_a_file_names_the_gpus_of_its_rows_and_none_runs_two_jobs_at_a_time(scene, order):
    rows = [
        a_row(order.code, "1").replace("\n", ",GPU-1 GPU-2\n"),
        a_row(order.code, "2").replace("\n", ",GPU-2\n"),
        a_row(order.code, "3").replace("\n", ",GPU-3/0\n"),
        a_row(order.code, "4").replace("\n", ",GPU-3/1\n"),
        a_row(order.code, "5").replace("\n", ",\n"),
    ]

    report = send(scene, HEADER.replace("\n", ",device\n") + "".join(rows))

    assert report.recorded == 4
    (error,) = report.errors
    assert (error.row, error.column, error.value) == (3, "device", "GPU-2")
    assert error.code == "device_in_use"
    kept = UsageLine.objects.order_by("key").values_list("device", flat=True)
    assert list(kept) == ["GPU-1 GPU-2", "GPU-3/0", "GPU-3/1", ""]


def test_a_row_finds_its_order_by_code_reference_or_voucher(scene, order):
    text = (
        HEADER + a_row(order.code, "1") + a_row("lab-a", "2") + a_row(scene.voucher.code, "3")
    )

    report = send(scene, text)

    assert (report.rows, report.recorded, report.errors_total) == (3, 3, 0)
    lines = UsageLine.objects.all()
    assert {(line.order, line.voucher, line.quantity_ms) for line in lines} == {
        (order, scene.voucher, 20 * HOUR)
    }
    assert metered_ms(order, stage.JUNE, stage.JULY) == 60 * HOUR
    assert [day.quantity_ms for day in daily_usage(scene.voucher)] == [48 * HOUR, 12 * HOUR]


def events(order, count):
    return [
        json.dumps(
            {
                "specversion": "1.0",
                "type": "dev.tessera.usage.v1",
                "source": "meter",
                "id": f"job-{number}",
                "data": {
                    "account": order.code,
                    "resource": "GPU",
                    "resource_class": "H100",
                    "count": "1",
                    "started_at": "2025-06-10T08:00:00Z",
                    "ended_at": "2025-06-10T08:00:01Z",
                },
            }
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("end", "refusal"),
    [("", JsonBroken), (', {"specversion"]', JsonBroken), ("]]", JsonBroken)],
)
def test_a_document_that_breaks_off_after_thousands_of_records_records_none(
    scene, order, end, refusal
):
    text = f"[{','.join(events(order, 3_000))}"
    before = extent()

    with pytest.raises(refusal):
        send(scene, text + end, format="cloudevents")

    assert (UsageLine.objects.count(), UsageFile.objects.count()) == (0, 0)
    assert extent() == before
    assert send(scene, f"{text}]", format="cloudevents").recorded == 3_000


def test_good_rows_count_beside_rows_in_error(scene, order):
    text = (
        HEADER
        + a_row(order.code)
        + a_row("nobody", "2")
        + a_row(order.code, "3", resource="CPU")
    )

    report = send(scene, text)

    assert (report.recorded, report.errors_total) == (1, 2)
    assert [(error.row, error.code) for error in report.errors] == [
        (3, "account_unknown"),
        (4, "resource_differs"),
    ]
    assert report.errors[0].problem == "“nobody” is no order, reference or voucher of yours."
    file = UsageFile.objects.get()
    assert (file.rows, file.recorded, file.errors_total) == (3, 1, 2)
    assert [row_error_of(stored) for stored in file.errors] == list(report.errors)


def test_a_known_key_with_other_content_is_an_error_of_its_row(scene, order):
    send(scene, HEADER + a_row(order.code))

    text = HEADER + a_row(order.code, end="2025-06-10 19:00:00") + a_row(order.code, "2")
    report = send(scene, text, key="second")

    assert (report.recorded, report.known_before) == (1, 0)
    (error,) = report.errors
    assert error.code == "recorded_before"
    assert error.problem == (
        "This usage was recorded before with 2 GPU, 2025-06-10 08:00:00 – 2025-06-10 18:00:00 "
        "UTC; this row says 2 GPU, 2025-06-10 08:00:00 – 2025-06-10 19:00:00 UTC."
    )
    assert UsageLine.objects.count() == 2


def test_the_same_file_again_records_nothing_twice(scene, order):
    text = HEADER + a_row(order.code) + a_row(order.code, "2")
    first = send(scene, text)

    again = send(scene, text)
    later = send(scene, text, key="another key")

    assert (first.recorded, again.recorded, again.known_before) == (2, 2, 0)
    assert (later.recorded, later.known_before) == (0, 2)
    assert later.file == first.file == UsageFile.objects.get()
    assert UsageLine.objects.count() == 2


def test_the_same_file_again_records_what_was_in_error_and_is_not_any_more(scene, order):
    text = HEADER + a_row(order.code) + a_row("lab-b", "2")
    assert send(scene, text).recorded == 1
    cast.a_hold(scene.voucher, scene.applicant, scene.seller, provider_reference="lab-b")

    report = send(scene, text, key="second")

    assert (report.recorded, report.known_before, report.errors_total) == (1, 1, 0)


def test_a_job_twice_in_a_file_counts_once(scene, order):
    text = HEADER + a_row(order.code) + a_row(order.code, "2") + a_row(order.code)

    report = send(scene, text)
    again = send(scene, text, key="another key")

    assert (report.recorded, report.known_before, report.errors_total) == (2, 0, 1)
    assert (again.recorded, again.known_before, again.errors_total) == (0, 2, 1)
    (error,) = report.errors
    assert (error.row, error.column, error.code) == (4, "job_id", "duplicate")
    assert "row 2" in error.problem
    assert again.errors == report.errors
    assert UsageLine.objects.count() == 2


def test_a_file_with_one_known_row_records_the_others(scene, order):
    send(scene, HEADER + a_row(order.code, "7"))
    rows = "".join(a_row(order.code, str(number)) for number in range(1, 11))

    report = send(scene, HEADER + rows, key="all of them")

    assert (report.recorded, report.known_before, report.errors_total) == (9, 1, 0)
    assert UsageLine.objects.count() == 10


def test_a_line_is_priced_once_when_it_is_recorded(scene, order):
    send(scene, HEADER + a_row(order.code, end="2025-06-10 08:00:01"))

    line = UsageLine.objects.get()
    # 2 GPUs for a second at 25.00 an hour: 0.0138…, rounded half up.
    assert (line.rate, line.amount) == (25, 1)


def test_strange_names_are_kept_as_they_came(scene, order):
    key = "C:\\jobs\\new\\table"

    report = send(scene, HEADER + a_row(order.code, key))

    assert (report.recorded, report.errors_total) == (1, 0)
    assert UsageLine.objects.get().key == f"{key}/2025-06-10T08:00:00Z"


def test_a_key_used_for_another_file_is_refused(scene, order):
    send(scene, HEADER + a_row(order.code))

    with pytest.raises(KeyReused):
        send(scene, HEADER + a_row(order.code, "2"))

    assert UsageLine.objects.count() == 1


def test_a_dry_run_tells_everything_and_keeps_nothing(scene, order):
    text = HEADER + a_row(order.code) + a_row("nobody", "2")
    before = extent()

    report = send(scene, text, is_dry_run=True)

    assert (report.recorded, report.errors_total, report.file) == (1, 1, None)
    assert not UsageLine.objects.exists()
    assert not UsageFile.objects.exists()
    assert extent() == before
    assert send(scene, text).recorded == 1


def test_a_file_without_rows_is_refused_and_keeps_nothing(scene, order):
    with pytest.raises(FileEmpty):
        send(scene, HEADER)

    assert not UsageFile.objects.exists()


def test_errors_are_kept_up_to_a_thousand_and_counted_all(scene, order):
    rows = "".join(a_row("nobody", str(number)) for number in range(1_200))

    report = send(scene, HEADER + rows)

    assert (len(report.errors), report.errors_total) == (1_000, 1_200)
    assert UsageFile.objects.get().errors_total == 1_200


def test_two_open_orders_under_one_reference_are_ambiguous(scene, order):
    other = cast.an_offer(scene.seller.provider, scene.seller.person, rate="10.00")
    seller = cast.Seller(**{**vars(scene.seller), "offer": other})
    cast.a_hold(scene.voucher, scene.applicant, seller, provider_reference="lab-a")

    report = send(scene, HEADER + a_row("lab-a"))

    assert [(error.code, error.values["count"]) for error in report.errors] == [
        ("account_ambiguous", 2)
    ]


def test_another_providers_order_is_unknown(scene, order):
    stranger = cast.make_provider(scene.authority, "Other Compute")

    report = stage.record(stranger, stage.a_record(order.code))

    assert [error.code for error in report.errors] == ["account_unknown"]


def test_a_batch_asked_twice_gets_the_same_answer(scene, order):
    records = [
        stage.a_record(order.code, "a", row=1),
        stage.a_record(order.code, "a", row=2),
        stage.a_record(order.code, "a", hours=9, row=3),
        stage.a_record("nobody", "b", row=4),
    ]

    first = stage.record(scene.seller, *records, key="batch")
    again = stage.record(scene.seller, *records, key="batch")

    assert (first.recorded, first.known_before, first.errors_total) == (1, 1, 2)
    assert first == again
    assert {error.code for error in first.errors} == {"account_unknown", "recorded_before"}


def test_a_text_that_is_too_long_is_an_error_of_its_row(scene, order):
    report = stage.record(scene.seller, stage.a_record(order.code, "k" * 161))

    assert [(error.code, error.values) for error in report.errors] == [
        ("value_too_long", {"length": 161, "most": 160})
    ]


def test_a_voucher_paid_after_use_needs_no_order():
    scene = cast.make_scene(cast.M1)

    report = stage.record(scene.seller, stage.a_record(scene.voucher.code))

    assert report.recorded == 1
    line = UsageLine.objects.get()
    assert (line.voucher, line.order) == (scene.voucher, None)
    until = stage.START + timedelta(hours=4)
    assert metered_ms(scene.voucher, stage.JUNE, until) == 4 * HOUR


@pytest.mark.parametrize(
    "column", ["act_id", "order_id", "provider_id", "voucher_id", "file_id"]
)
def test_no_line_names_what_is_not_there_whoever_writes_it(scene, order, column):
    stage.use(scene.seller, order, hours=1)
    columns = [field.column for field in UsageLine._meta.concrete_fields]
    other = {
        "id": "id + 1",
        "key": "key || 'x'",
        "started_at": "started_at + interval '1 hour'",
    }
    other |= {"ended_at": "ended_at + interval '1 hour'", column: "987654321"}
    values = ", ".join(other.get(name, name) for name in columns)

    # The file alone may come after its lines, so every reference is compared within the statement.
    another = (
        f"insert into billing_usageline ({', '.join(columns)})"
        f" select {values} from billing_usageline; set constraints all immediate"
    )
    with (
        pytest.raises(IntegrityError, match=r"987654321|billing_usagefile"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(another)

    assert UsageLine.objects.count() == 1
