"""Every published file, by both doors: the command before it is sent, and the page that takes it.

What a file comes to is said here file by file: read, asked for its columns, or refused in words.
The two doors agree on each, and on every row that is to be fixed. Node lists, prices, counters
and telemetry, which neither door takes for usage, go in by the readers of their own.
"""

import io
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from billing.models import FileCheck, KeptFile, UsageFile, UsageLine
from billing.usage.intake import read_usage
from billing.usage.telemetry import read_counters, read_duty_cycles, read_page
from providers.models import CapacityVersion
from tests import cast
from tests.doors.billing.june import look_over
from tests.doors.pages import key_on, send, words
from tests.journeys.sites import a_site, an_order
from tests.real_data import SHARED, shared

pytestmark = [pytest.mark.django_db, pytest.mark.real_data]

SHREDDER = "usage/xdmod_shredder_unit"
SPEC = "focus/spec_examples"
# File: format, rows, rows that count, rows passed over, rows to fix. The rows to fix are repeats
# of a key, a wall time longer than its job, and states that no job can end in.
READ = {
    "usage/alibaba2023_pods_default.csv.gz": ("ALIBABA_2023", 8_152, 7_255, 897, 0),
    "usage/apel_aur_usage_records.xml": ("OGF_UR", 2, 0, 2, 0),
    "usage/apel_car_usage_records.xml": ("OGF_UR", 3, 2, 0, 1),
    "usage/hpc_cost_simulator_jobs.csv": ("LSF_JOBS", 87, 87, 0, 0),
    "usage/opencost_allocation_sample.json": ("OPENCOST", 5, 3, 2, 0),
    "usage/philly_jobs_7vc.csv.gz": ("PHILLY", 65_892, 65_892, 0, 0),
    "usage/slurm2sql_test-data1.csv": ("SACCT", 5, 1, 4, 0),
    "usage/slurm2sql_test-data2.csv": ("SACCT", 5, 1, 4, 0),
    "usage/xdmod_pozidriv_sacct.log.gz": ("SACCT", 11_704, 11_704, 0, 0),
    f"{SHREDDER}/lsf/input/accounting-logs.log": ("LSF", 2, 1, 0, 1),
    f"{SHREDDER}/lsf/input/utf8-multibyte-chars.log": ("LSF", 1, 1, 0, 0),
    f"{SHREDDER}/pbs/input/accounting-logs.log": ("PBS", 9, 9, 0, 0),
    f"{SHREDDER}/sge/input/accounting-logs.log": ("GRID_ENGINE", 2, 1, 0, 1),
    f"{SHREDDER}/slurm/input/accounting-logs-with-job-arrays.log": ("SACCT", 6, 1, 0, 5),
    f"{SHREDDER}/slurm/input/accounting-logs.log": ("SACCT", 4, 4, 0, 0),
    f"{SHREDDER}/slurm/input/non-ended-job-state.log": ("SACCT", 2, 0, 2, 0),
    f"{SHREDDER}/slurm/input/unknown-job-state.log": ("SACCT", 2, 0, 0, 2),
    f"{SHREDDER}/slurm/input/utf8-multibyte-chars.log": ("SACCT", 1, 1, 0, 0),
    f"{SHREDDER}/uge/input/accounting-logs.log": ("GRID_ENGINE", 2, 2, 0, 0),
    "focus/fdt_focus_1_2_cost_and_usage_aws.csv.gz": ("FOCUS", 1_000, 0, 1_000, 0),
    "focus/fdt_focus_1_3_cost_and_usage_aws.csv.gz": ("FOCUS", 1_000, 0, 1_000, 0),
    "focus/focus_1.0_sample_1000.csv": ("FOCUS", 1_000, 8, 992, 0),
    **{
        f"{SPEC}/{name}.csv": ("FOCUS", rows, 0, rows, 0)
        for name, rows in {
            "commitment_discount_usage_scenario_1": 1,
            "commitment_discount_usage_scenario_2": 1,
            "commitment_discount_usage_scenario_3": 2,
            "commitment_discount_usage_scenario_4": 2,
            "one_hundred_percent_utilization_with_commitment_discount_flexibility_with_1_resource": 3,
            "one_hundred_percent_utilization_with_commitment_discount_flexibility_with_2_resources": 3,
            "one_hundred_percent_utilization_without_commitment_discount_flexibility": 2,
            "saas_spend_agreements_a1": 4,
            "simple_saas_agreements_a1": 1,
            "simple_saas_agreements_a2": 1,
            "simple_saas_agreements_a3": 1,
            "simple_saas_agreements_b": 1,
            "simple_saas_agreements_c": 3,
            "virtual_currency_pricing_model_a1": 1,
            "zero_percent_utilization_without_commitment_discount_flexibility": 3,
        }.items()
    },
}  # fmt: skip
# Tables of columns that are no format's: a person is asked what they mean.
ASKED = [
    "focus/azure_pricing_units.csv",
    "focus/focus_columns_1.0_1.1_1.2.csv",
    "focus/focus_currency_codes.csv",
    *[
        f"usage/xdmod_expected/pozidriv__{what}__{by}.csv"
        for what in ("job_count", "total_cpu_hours", "total_gpu_hours", "total_wallduration_hours")
        for by in ("aggregate-Year", "timeseries-Day", "timeseries-Month")
    ],
]  # fmt: skip
# What is refused, and the code of the words.
REFUSED = {
    "usage/slurm2sql_test-data3.csv": "columns_missing",
    **{
        f"{SPEC}/commitment_discount_purchase_scenario_{n}.csv": "columns_missing"
        for n in (1, 2, 3)
    },
    "focus/focus_model_1.2.0.1.json": "format_not_recognised",
    "focus/focus_model_1.4.json": "format_not_recognised",
    **{
        f"{SHREDDER}/{name}.json": "format_not_recognised"
        for name in (
            "lsf/output/accounting-logs",
            "lsf/output/utf8-multibyte-chars",
            "pbs/output/accounting-logs",
            "pbs_resource_list_gpu_count",
            "sge/output/accounting-logs",
            "slurm/output/accounting-logs-with-job-arrays",
            "slurm/output/accounting-logs",
            "slurm/output/non-ended-job-state",
            "slurm/output/unknown-job-state",
            "slurm/output/utf8-multibyte-chars",
            "slurm_alloc_tres_gpu_count",
            "uge/output/accounting-logs",
        )
    },
}
# What is known for something else than usage, and what it is told to be.
NODES, PAGE = "a list of nodes", "a page of telemetry (Prometheus)"
H100 = "usage/gpu_telemetry/linux-x86_64__nvidia-h100"
NOT_USAGE = {
    "focus/fdt_focus_1_3_contract_commitment_aws.csv.gz": (
        "a FOCUS table of commitments, invoices or periods"
    ),
    "usage/alibaba2023_nodes_gpu.csv": NODES,
    "usage/alibaba2026_spot_nodes.csv": NODES,
    "usage/alibaba2026_pod_gpu_duty_cycle.csv.gz": "a series of utilisation samples",
    "usage/apel_star_usage_records.xml": "a list of storage records (StAR)",
    "usage/dcgm_default_counters.csv": "a list of DCGM counters",
    "usage/dcgm_sample_metrics.prom": PAGE,
    "usage/gpu_price_list_oci_usd.json": "a price list",
    f"{H100}-80gb-hbm3__590.48.01__idle.metrics": PAGE,
    f"{H100}-80gb-hbm3__590.48.01__load.metrics": PAGE,
    f"{H100}-mig__590.48.01__load.metrics": PAGE,
}
# What is wrong with a row only because of the orders that a provider has.
OF_ORDERS = {
    "account_unknown",
    "before_order",
    "class_differs",
    "outside_voucher",
    "resource_differs",
}


def test_there_is_a_verdict_on_every_file():
    files = {
        str(path.relative_to(SHARED))
        for top in ("usage", "focus")
        for path in shared(top).rglob("*")
        if path.is_file()
    }

    assert files == {*READ, *ASKED, *REFUSED, *NOT_USAGE}


@pytest.fixture(autouse=True)
def now(monkeypatch):
    """The doors' clock stands after the last use that any of the files tells of."""
    at = datetime(2030, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: at)
    return at


def commanded(path):
    """Return what the command answers for a program, and how it failed if it did."""
    out = io.StringIO()
    try:
        call_command("check_usage", str(path), "--json", stdout=out)
    except CommandError as error:
        return json.loads(out.getvalue()), str(error)
    return json.loads(out.getvalue()), None


def site_of(path):
    """Return a site with an order for each account of a file, of what it uses first."""
    kinds, started = {}, datetime(2026, 1, 1, tzinfo=UTC)
    with path.open("rb") as stream:
        for record in read_usage(stream):
            kinds.setdefault(record.account, (record.resource, record.resource_class))
            started = min(started, record.started_at)
    opened = (started - timedelta(days=1)).replace(microsecond=0)
    accounts = defaultdict(list)
    for account, kind in kinds.items():
        accounts[kind].append(account)
    (resource, name), *_others = [*accounts, ("GPU", "H100")]
    site = a_site(
        "Meterpoint", opened, resource=resource, resource_class=name or "H100", rate="1.00"
    )
    for account in accounts[resource, name]:
        if account:
            an_order(site, account, hours=1)
    return site


@pytest.mark.parametrize("name", READ)
def test_what_is_read_is_read_alike_by_command_and_page(browser, name):
    path = shared(name)
    told, failure = commanded(path)
    client = browser(site_of(path).person)

    page = look_over(client, path.read_bytes(), name=path.name)

    format, rows, accepted, skipped, errors = READ[name]
    assert (told["format"], told["rows"], told["accepted"]) == (format, rows, accepted)
    assert (sum(told["skipped"].values()), told["errors_total"]) == (skipped, errors)
    assert (failure is None) == told["conforms"] == (accepted > 0 and not errors)
    check = FileCheck.objects.get()
    assert page.url == reverse("usage_check", args=[check.pk])
    assert (check.format, check.rows, check.skipped) == (format, rows, told["skipped"])
    of_file = [(e["row"], e["code"]) for e in check.errors if e["code"] not in OF_ORDERS]
    assert of_file == [(e["row"], e["code"]) for e in told["errors"]]
    assert check.recorded + check.errors_total - len(of_file) == accepted
    shown = client.get(page.url)
    assert shown.status_code == 200
    assert f"{rows} Lines" in words(shown).replace(",", "")
    assert not UsageLine.objects.exists()

    sent = send(client, page.url, act="record")

    file = UsageFile.objects.get()
    assert sent.url == reverse("usage_file", args=[file.pk])
    assert client.get(sent.url).status_code == 200
    assert (file.rows, file.recorded, file.errors_total) == (
        check.rows,
        check.recorded,
        check.errors_total,
    )
    assert UsageLine.objects.filter(file=file).count() == file.recorded


@pytest.fixture
def client(browser):
    return browser(cast.make_provider(cast.make_authority()).person)


@pytest.mark.parametrize("name", ASKED)
def test_a_table_of_unknown_columns_is_refused_by_the_command_and_asked_about_by_the_page(
    client, name
):
    told, failure = commanded(shared(name))

    page = look_over(client, shared(name).read_bytes(), name=shared(name).name)

    assert told["refusal"] == {"code": "format_not_recognised", "message": failure}
    (file,) = KeptFile.objects.all()
    assert page.url.startswith(reverse("usage_columns", args=[file.pk]))
    asked = client.get(page.url)
    assert asked.status_code == 200
    assert "The first rows of the file" in words(asked)
    assert not FileCheck.objects.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_in_the_same_words_by_both(client, name):
    told, failure = commanded(shared(name))

    page = look_over(client, shared(name).read_bytes(), name=shared(name).name)

    assert told["refusal"] == {"code": REFUSED[name], "message": failure}
    assert page.status_code == 200
    assert failure in words(page)
    assert not FileCheck.objects.exists()


@pytest.mark.parametrize("name", NOT_USAGE)
def test_what_is_no_usage_is_told_what_it_is_by_both(client, name):
    told, failure = commanded(shared(name))

    page = look_over(client, shared(name).read_bytes(), name=shared(name).name)

    assert told["refusal"] == {"code": "not_usage", "message": failure}
    assert NOT_USAGE[name] in failure
    assert page.status_code == 200
    assert failure in words(page)
    assert not KeptFile.objects.exists()


# --- what is no usage goes in by its own door ------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nodes", "gpus"),
    [
        ("usage/alibaba2023_nodes_gpu.csv", 1_213, 6_212),
        ("usage/alibaba2026_spot_nodes.csv", 4_278, 10_412),
    ],
)
def test_a_list_of_nodes_goes_into_the_capacity_register_by_its_page(client, name, nodes, gpus):
    typed = {"region": "CN-5101"}
    day = {"from_on_day": "1", "from_on_month": "6", "from_on_year": "2025"}
    content = shared(name).read_bytes()

    look = send(
        client,
        reverse("capacity_upload"),
        **typed,
        **day,
        file=SimpleUploadedFile("nodes.csv", content),
    )
    assert "This was a look: nothing is registered yet." in words(look)
    sent = client.post(
        reverse("capacity_upload"),
        {
            **typed,
            "step": "enter",
            "key": key_on(look),
            "lines": content.decode(),
            "from_on": "2025-06-01",
            "file_name": "nodes.csv",
        },
    )

    assert sent.url == reverse("capacity")
    version = CapacityVersion.objects.get()
    assert (version.entries, version.gpus) == (nodes, gpus)


def test_a_price_list_goes_in_by_its_command():
    out = io.StringIO()

    call_command("check_prices", str(shared("usage/gpu_price_list_oci_usd.json")), stdout=out)

    *prices, last = out.getvalue().splitlines()
    assert (len(prices), last) == (7, "443 price something else.")
    assert "B98415\tH100\t10\tUSD" in "\n".join(prices)


@pytest.mark.parametrize("name", [name for name, what in NOT_USAGE.items() if what == PAGE])
def test_a_page_of_telemetry_is_read_whole_by_its_own_reader(name):
    found = read_page(io.BytesIO(shared(name).read_bytes()))
    samples = list(found)

    assert found.errors == []
    assert len(samples) == found.rows > 0


def test_utilisation_samples_and_counters_are_read_whole_by_their_own_readers():
    duty = read_duty_cycles(
        io.BytesIO(shared("usage/alibaba2026_pod_gpu_duty_cycle.csv.gz").read_bytes())
    )
    samples = sum(1 for _sample in duty)
    counters = read_counters(io.BytesIO(shared("usage/dcgm_default_counters.csv").read_bytes()))

    assert duty.errors == []
    assert samples == duty.rows > 0
    assert counters
