"""What a document came to is kept until its end is seen, and comes back as it was."""

import io
import json
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from billing.usage.intake import read_usage
from billing.usage.options import FileTooLong, JsonBroken, Limits
from billing.usage.record import RowError, Skipped, UsageRecord
from billing.usage.spool import RESULTS_AT_ONCE, Spool
from tests.billing.usage import samples

START = datetime(2026, 11, 2, 8, tzinfo=UTC)


def a_record(number):
    ended_at = START + timedelta(seconds=number)
    names = (f"job-{number}", "GPU", 1000, START, ended_at, "COMPLETED", "V-1", "H100", number)
    return UsageRecord("meter", *names, "GPU-1")


def an_error(number):
    return (
        RowError(number, "count", "eight", "count_unreadable", {"count": 8}),
        RowError(number, "state", "\u5b8c", "state_unknown"),
    )


@pytest.mark.parametrize("count", [1, RESULTS_AT_ONCE - 1, RESULTS_AT_ONCE, 2_500])
def test_records_skips_and_errors_come_back_in_their_order(count):
    kinds = (a_record, lambda number: Skipped(f"reason-{number}"), an_error)
    results = [kinds[number % 3](number) for number in range(count)]
    spool = Spool()

    assert spool.take(iter(results), most=count)

    assert spool.results == count
    given = list(spool.give())
    assert given == results
    assert [type(one) for one in given] == [type(one) for one in results]


def test_more_than_the_most_is_said_and_no_more_than_that_is_read():
    read = []

    def results():
        for number in range(100_000):
            read.append(number)
            yield Skipped("reason")

    assert not Spool().take(results(), most=1_500)
    assert len(read) == 2 * RESULTS_AT_ONCE


def test_results_are_kept_in_flat_memory():
    spool = Spool()
    tracemalloc.start()
    assert spool.take(map(a_record, range(50_000)), most=50_000)
    assert sum(1 for _ in spool.give()) == 50_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8_000_000


def test_a_document_gives_nothing_before_its_end_is_seen():
    events = ",".join([json.dumps(samples.cloud_event())] * 3)

    with pytest.raises(JsonBroken):
        read_usage(io.BytesIO(f"[{events}".encode()), "CLOUDEVENTS")
    with pytest.raises(FileTooLong):
        read_usage(io.BytesIO(f"[{events}]".encode()), "CLOUDEVENTS", limits=Limits(rows_max=2))
    assert len(list(read_usage(io.BytesIO(f"[{events}]".encode()), "CLOUDEVENTS"))) == 3
