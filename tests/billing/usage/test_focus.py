"""Of a FOCUS table GPU time alone is usage, exactly; what an audit must ask about is said."""

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.usage.focus import names_in, version_of, warnings_of
from billing.usage.intake import read_usage
from billing.usage.options import ColumnsMissing, FileUnreadable, NotUsage
from billing.usage.recognise import lines_of, look_at
from tests.real_data import shared

HEADER = [
    "BilledCost", "ChargeCategory", "ChargeDescription", "ChargePeriodStart", "ChargePeriodEnd",
    "ConsumedQuantity", "ConsumedUnit", "PricingQuantity", "PricingUnit", "ResourceId",
    "SkuPriceDetails", "SubAccountId", "Tags", "ListCost", "ContractedCost", "EffectiveCost",
]  # fmt: skip
ROW = {
    "BilledCost": "3.25",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-11-02T08:00:00Z",
    "ChargePeriodEnd": "2026-11-02T09:00:00Z",
    "ConsumedQuantity": "2",
    "ConsumedUnit": "GPU-Hours",
    "ResourceId": "i-1",
    "SkuPriceDetails": '{"GpuCount":2,"x_GpuModel":"A100-80G"}',
    "SubAccountId": "V-7K2QX9",
    "ListCost": "3.25",
    "ContractedCost": "3.25",
    "EffectiveCost": "3.25",
}


def table(*rows, header=HEADER):
    text = io.StringIO()
    writer = csv.DictWriter(text, header, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode())


def read(stream):
    parsed = read_usage(stream, "FOCUS")
    return list(parsed), parsed


def one(**cells):
    records, parsed = read(table({**ROW, **cells}))
    assert parsed.errors == []
    return records[0] if records else dict(parsed.skipped)


def test_gpu_hours_are_card_time_of_the_cards_of_the_row():
    record = one()

    assert (record.quantity_ms, record.count_thousandths) == (2 * 3_600_000, 2_000)
    assert (record.started_at, record.ended_at) == (
        datetime(2026, 11, 2, 8, tzinfo=UTC),
        datetime(2026, 11, 2, 9, tzinfo=UTC),
    )
    assert (record.resource_class, record.account) == ("A100-80G", "V-7K2QX9")
    assert record.key == "i-1/2026-11-02T08:00:00Z"


@pytest.mark.parametrize(
    ("cells", "quantity_ms", "count"),
    [
        # Hours of a machine are times its cards.
        ({"ConsumedUnit": "Hours", "ConsumedQuantity": "0.5"}, 3_600_000, 2_000),
        # More card time than the machine's cards have in the period: more cards.
        ({"ConsumedQuantity": "13.7"}, 49_320_000, 15_000),
        ({"ConsumedQuantity": "", "PricingQuantity": "1", "PricingUnit": "GPU-Hours"},
         3_600_000, 2_000),
        ({"ConsumedQuantity": "90", "ConsumedUnit": "GPU-Minutes"}, 5_400_000, 2_000),
        ({"ConsumedUnit": "Hours", "ConsumedQuantity": "0.296111", "SkuPriceDetails": "",
          "ChargeDescription": "$1.624 per On Demand Linux g5.4xlarge Instance Hour"},
         1_066_000, 1_000),
        ({"SkuPriceDetails": '{"InstanceType":"p4d.24xlarge"}', "ConsumedUnit": "Hours",
          "ConsumedQuantity": "1"}, 8 * 3_600_000, 8_000),
    ],
)  # fmt: skip
def test_units_and_machines_come_to_the_same_card_time(cells, quantity_ms, count):
    record = one(**cells)

    assert (record.quantity_ms, record.count_thousandths) == (quantity_ms, count)


@pytest.mark.parametrize(
    ("cells", "skipped"),
    [
        ({"ChargeCategory": "Purchase"}, {"not_usage": 1}),
        ({"ChargeCategory": "Tax"}, {"not_usage": 1}),
        ({"ChargeCategory": "Credit"}, {"not_usage": 1}),
        ({"ConsumedUnit": "GB"}, {"no_gpu": 1}),
        ({"ConsumedUnit": "Hours", "SkuPriceDetails": '{"CoreCount":2}'}, {"no_gpu": 1}),
        ({"ConsumedUnit": "Hours", "SkuPriceDetails": '{"GpuCount":0}'}, {"no_gpu": 1}),
        ({"ConsumedUnit": "Hours", "SkuPriceDetails": "{not json"}, {"no_gpu": 1}),
        ({"ConsumedQuantity": "0"}, {"no_gpu": 1}),
        ({"ConsumedQuantity": "NULL", "ConsumedUnit": "NULL"}, {"no_gpu": 1}),
    ],
)
def test_other_rows_are_skipped_with_the_reason(cells, skipped):
    assert one(**cells) == skipped


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"ConsumedQuantity": "many"}, "count_unreadable"),
        ({"ConsumedQuantity": "-2"}, "count_unreadable"),
        ({"ChargePeriodStart": "yesterday"}, "time_unreadable"),
        ({"ChargePeriodEnd": "2026-11-01T09:00:00Z"}, "ends_before_start"),
        ({"ChargePeriodEnd": "2026-11-02T08:00:00Z"}, "time_too_fine"),
        ({"ResourceId": ""}, "value_missing"),
    ],
)
def test_what_cannot_be_metered_is_told_by_row_and_column(cells, code):
    records, parsed = read(table({**ROW, **cells}))

    assert records == []
    assert [(error.row, error.code) for error in parsed.errors] == [(2, code)]
    assert parsed.errors[0].problem
    assert parsed.errors[0].fix


def test_a_tag_names_the_voucher_before_the_sub_account_does():
    assert one(Tags='{"voucher_id":"V-AAAAAA"}').account == "V-AAAAAA"


@given(
    hours=st.decimals("0.000001", "700", places=6),
    cards=st.integers(0, 16),
    period=st.integers(1, 744),
)
@settings(max_examples=300, deadline=None)
def test_card_time_is_kept_exactly_to_the_millisecond(hours, cards, period):
    end = datetime(2026, 11, 2, 8, tzinfo=UTC) + timedelta(hours=period)
    records, _parsed = read(
        table(
            {
                **ROW,
                "ConsumedQuantity": f"{hours:f}",
                "SkuPriceDetails": f'{{"GpuCount":{cards}}}',
                "ChargePeriodEnd": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            }
        )
    )

    for record in records:
        exact = (hours * 3_600_000).to_integral_value(ROUND_HALF_UP)
        assert record.quantity_ms == exact
        assert record.ended_at <= end


@pytest.mark.parametrize(
    ("more", "version"),
    [
        (["ProviderName"], "1.0"),
        (["ProviderName", "SkuMeter"], "1.1"),
        (["ProviderName", "InvoiceId"], "1.2"),
        (["ProviderName", "InvoiceId", "ServiceProviderName"], "1.3"),
        (["InvoiceId", "ServiceProviderName"], "1.4"),
        (["ServiceProviderName", "InvoiceDetailId"], "1.4"),
    ],
)
def test_the_version_is_told_by_the_columns(more, version):
    assert version_of(names_in(",".join([*HEADER[:5], *more]))) == version


def test_missing_columns_are_named_together():
    with pytest.raises(ColumnsMissing) as refusal:
        read(table(ROW, header=HEADER[:5]))

    assert refusal.value.values["missing"] == "ResourceId, ConsumedQuantity, ConsumedUnit"


def test_a_header_with_an_open_quotation_mark_is_read_or_refused_in_words():
    text = table(ROW).getvalue().replace(b"ResourceId", b'"x"ResourceId', 1)

    with pytest.raises(ColumnsMissing) as refusal:
        read(io.BytesIO(text))

    assert refusal.value.values["missing"] == "ResourceId"


def test_costs_rounded_to_whole_units_beside_exact_ones_are_asked_about():
    stream = table(
        ROW,
        {**ROW, "EffectiveCost": "3"},
        {**ROW, "EffectiveCost": "3.00", "ContractedCost": "4"},
        {**ROW, "EffectiveCost": "3", "BilledCost": "3"},
        {**ROW, "EffectiveCost": "3", "SkuPriceDetails": ""},
    )

    assert warnings_of(lines_of(stream)) == [
        {
            "code": "costs_rounded",
            "values": {"rows": 2, "columns": "ContractedCost, EffectiveCost", "first_row": 3},
        }
    ]


# --- published files -------------------------------------------------------------------------

pytest_real = pytest.mark.real_data


def published(path):
    return io.BytesIO(shared(f"focus/{path}").read_bytes())


@pytest_real
def test_the_eight_gpu_rows_of_the_real_sample_are_metered_and_asked_about():
    records, parsed = read(published("focus_1.0_sample_1000.csv"))
    with gzip.open(
        io.BytesIO(gzip.compress(published("focus_1.0_sample_1000.csv").read()))
    ) as f:
        rows = [
            row
            for row in csv.DictReader(io.TextIOWrapper(f))
            if "g5.4xlarge" in row["ChargeDescription"]
        ]

    expected = sum(
        int((Decimal(row["ConsumedQuantity"]) * 3_600_000).to_integral_value(ROUND_HALF_UP))
        for row in rows
    )
    assert (len(rows), len(records), parsed.errors) == (8, 8, [])
    assert sum(record.quantity_ms for record in records) == expected
    assert {record.resource_class for record in records} == {"A10G"}
    assert parsed.rows == 1000
    (warning,) = warnings_of(lines_of(published("focus_1.0_sample_1000.csv")))
    assert warning["values"]["columns"] == "ContractedCost, EffectiveCost"
    assert warning["values"]["rows"] == 8


# What each published file is: its version and how many rows are usage, or why it is refused.
PUBLISHED = {
    "focus_1.0_sample_1000.csv": ("1.0", 8),
    "fdt_focus_1_2_cost_and_usage_aws.csv.gz": ("1.2", 0),
    "fdt_focus_1_3_cost_and_usage_aws.csv.gz": ("1.3", 0),
    "fdt_focus_1_3_contract_commitment_aws.csv.gz": "not_usage",
    "azure_pricing_units.csv": "columns",
    "focus_columns_1.0_1.1_1.2.csv": "columns",
    "focus_currency_codes.csv": "columns",
    "focus_model_1.2.0.1.json": "format_not_recognised",
    "focus_model_1.4.json": "format_not_recognised",
    "spec_examples/commitment_discount_purchase_scenario_1.csv": "columns_missing",
    "spec_examples/commitment_discount_purchase_scenario_2.csv": "columns_missing",
    "spec_examples/commitment_discount_purchase_scenario_3.csv": "columns_missing",
    "spec_examples/commitment_discount_usage_scenario_1.csv": ("1.0", 0),
    "spec_examples/commitment_discount_usage_scenario_2.csv": ("1.0", 0),
    "spec_examples/commitment_discount_usage_scenario_3.csv": ("1.0", 0),
    "spec_examples/commitment_discount_usage_scenario_4.csv": ("1.0", 0),
    "spec_examples/one_hundred_percent_utilization_with_commitment_discount_flexibility_with_1_resource.csv": (
        "1.0",
        0,
    ),
    "spec_examples/one_hundred_percent_utilization_with_commitment_discount_flexibility_with_2_resources.csv": (
        "1.0",
        0,
    ),
    "spec_examples/one_hundred_percent_utilization_without_commitment_discount_flexibility.csv": (
        "1.0",
        0,
    ),
    "spec_examples/zero_percent_utilization_without_commitment_discount_flexibility.csv": (
        "1.0",
        0,
    ),
    "spec_examples/saas_spend_agreements_a1.csv": ("1.1", 0),
    "spec_examples/simple_saas_agreements_a1.csv": ("1.1", 0),
    "spec_examples/simple_saas_agreements_a2.csv": ("1.1", 0),
    "spec_examples/simple_saas_agreements_a3.csv": ("1.1", 0),
    "spec_examples/simple_saas_agreements_b.csv": ("1.1", 0),
    "spec_examples/simple_saas_agreements_c.csv": ("1.1", 0),
    "spec_examples/virtual_currency_pricing_model_a1.csv": ("1.2", 0),
}


@pytest_real
def test_the_table_names_every_published_file():
    folder = shared("focus")
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert found == PUBLISHED.keys()


def told(path):
    """Return the version of a published table and its usage rows, or why it is refused."""
    try:
        looked = look_at(published(path))
        if looked.format is None:
            return "columns"
        records, parsed = read(published(path))
    except FileUnreadable as refusal:
        return refusal.code if str(refusal) else "refused without words"
    skipped = sum(parsed.skipped.values())
    assert (parsed.errors, skipped + len(records)) == ([], parsed.rows)
    _number, header = next(lines_of(published(path)))
    return version_of(names_in(header)), len(records)


@pytest_real
@pytest.mark.parametrize("path", PUBLISHED)
def test_each_published_file_is_read_or_refused_in_words(path):
    assert told(path) == PUBLISHED[path]


def test_a_table_of_commitments_is_no_usage():
    with pytest.raises(NotUsage):
        look_at(io.BytesIO(b"ContractCommitmentId,ContractId\n1,2\n"))
