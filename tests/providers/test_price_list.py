"""A price list is read exactly, each problem by its row; what prices something else is counted."""

import json
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.forms.price_list import PriceListUnreadable, read_price_list
from tests.real_data import shared

TABLE = "sku,title,class,rate,currency\nF-1,Fast,h100,25.50,CNY\nF-2,Slow,A10,0.1,usd\n"


def items(*products):
    return json.dumps({"items": list(products)}).encode()


def product(rate=10, metric="GPU Per Hour", name="Compute - GPU - H100", **more):
    return {
        "partNumber": "B1",
        "displayName": name,
        "metricName": metric,
        "currencyCodeLocalizations": [
            {"currencyCode": "USD", "prices": [{"model": "PAY_AS_YOU_GO", "value": rate}]}
        ],
        **more,
    }


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        TABLE.replace(",", ";").encode(),
        TABLE.replace("\n", "\r\n").encode("utf-8-sig"),
        TABLE.replace("sku,title,class,rate,currency", "编号,名称,型号,单价,币种").encode(
            "gb18030"
        ),
    ],
)
def test_a_table_is_read_in_either_language(data):
    read = read_price_list(data)

    assert [
        (one.row, one.sku, one.resource_class, one.rate, one.currency) for one in read.entries
    ] == [
        (2, "F-1", "H100", Decimal("25.50"), "CNY"),
        (3, "F-2", "A10", Decimal("0.1"), "USD"),
    ]
    assert (read.problems, read.others) == ([], 0)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("F-1,,H100,free,CNY", "rate"),
        ("F-1,,H100,-1,CNY", "rate"),
        ("F-1,,H100,1.00001,CNY", "rate"),
        ("F-1,,H100,1,Yuan", "currency"),
        (",,H100,1,CNY", "sku"),
        ("F-1,,,1,CNY", "class"),
        ("F-1", "rate"),
    ],
)
def test_what_is_wrong_is_told_by_row_and_column(row, column):
    read = read_price_list(f"sku,title,class,rate,currency\nF-0,,H100,1,CNY\n{row}\n".encode())

    assert len(read.entries) == 1
    assert (3, column) in {(one.row, one.column) for one in read.problems}
    assert all(one.words for one in read.problems)


def test_what_is_priced_twice_is_told():
    read = read_price_list((TABLE + "F-1,Again,H100,26,CNY\n").encode())

    assert [(one.row, one.column) for one in read.problems] == [(4, "sku")]
    assert "row 2" in read.problems[0].words


def test_products_of_another_measure_are_counted_and_rates_are_as_written():
    read = read_price_list(items(product(1.275), product(metric="OCPU Per Hour")))

    assert [(one.row, one.rate) for one in read.entries] == [(1, Decimal("1.275"))]
    assert read.others == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,b\n1,2\n",
        b"sku,class,rate,currency\n",
        b"{",
        b"[1]",
        b'{"items": 7}',
        b"PK\x03\x04\x00",
    ],
)
def test_what_is_no_price_list_is_refused_in_words(data):
    with pytest.raises(PriceListUnreadable) as refusal:
        read_price_list(data)

    assert str(refusal.value).startswith("This price list can't be read. ")


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.builds(lambda one: items(product(currencyCodeLocalizations=one)), _JSON),
        st.builds(lambda one: items(product(rate=one, name=one)), _JSON),
    )
)
@settings(max_examples=300, deadline=None)
def test_no_file_is_a_crash(data):
    try:
        read = read_price_list(data)
    except PriceListUnreadable:
        return
    assert all(one.rate >= 0 and one.currency for one in read.entries)


def test_the_command_prints_prices_and_fails_where_something_is_to_be_fixed(tmp_path, capsys):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(TABLE, encoding="utf-8")
    bad.write_text(TABLE.replace("0.1", "dear"), encoding="utf-8")

    call_command("check_prices", good)
    assert "F-1\tH100\t25.50\tCNY\tFast" in capsys.readouterr().out
    with pytest.raises(CommandError, match="1 prices of GPU-hours, 1 to fix"):
        call_command("check_prices", bad)
    with pytest.raises(CommandError, match="can't be read"):
        call_command("check_prices", tmp_path / "none.csv")


@pytest.mark.real_data
def test_the_seven_prices_of_gpu_hours_of_a_public_list():
    read = read_price_list(shared("usage/gpu_price_list_oci_usd.json").read_bytes())

    assert (len(read.entries), read.others, read.problems) == (7, 443, [])
    assert {(one.sku, one.resource_class, one.rate) for one in read.entries} >= {
        ("B89734", "V2", Decimal("2.95")),
        ("B92740", "E3", Decimal("3.05")),
        ("B95909", "A10", Decimal("2")),
        ("B95907", "A100-V2", Decimal("4")),
        ("B98415", "H100", Decimal("10")),
    }
    assert {one.currency for one in read.entries} == {"USD"}
