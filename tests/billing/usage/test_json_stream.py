"""JSON that comes in parts says what it says as a whole, however it is written and cut."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.usage.json_stream import JsonStream
from billing.usage.options import JsonBroken

TEXT = st.text('ab"\\{}[],: \n\té', max_size=8)
VALUE = st.recursive(
    st.one_of(TEXT, st.integers(0, 99), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.lists(st.dictionaries(TEXT, VALUE, max_size=3) | VALUE, max_size=12)
INDENT = st.sampled_from([None, 0, 4])


def cut(text, size):
    return (text[at : at + size] for at in range(0, len(text), size))


def as_texts(value):
    """Return a value with its numbers as the texts that they were."""
    return json.loads(json.dumps(value), parse_int=str)


@given(RECORDS, INDENT, st.integers(1, 90))
@settings(max_examples=400, deadline=None)
@example([{"a": [{"b": 1}, {"b": 2}]}] * 3, None, 1_000)
@example([{"a": "}, {"}, {"a": "}, {"}, {"a": "}, {"}], None, 1_000)
@example([{}, 1, {}, {}, [], {}], None, 1_000)
def test_a_list_has_its_values_in_their_order(records, indent, size):
    text = json.dumps(records, indent=indent)

    assert list(JsonStream(cut(text, size)).values()) == as_texts(records)


@given(st.lists(st.dictionaries(TEXT, VALUE, max_size=3), min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_one_record_a_line_is_read_alike(records):
    text = "\n".join(json.dumps(record) for record in records)

    assert list(JsonStream(cut(text, 40)).values()) == as_texts(records)


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}, {"a": 2}, {"a": 3} {"a": 4}]',
        '[{"a": 1}, {"a": 2}, {"a": }, {"a": 4}]',
        '[{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}',
        '[{"a": 1}, {"a": 2}], {"a": 3}, {"a": 4}]',
        '[{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]]',
        '[{"a": 1}, {"a": 2}, , {"a": 3}, {"a": 4}]',
    ],
)
@pytest.mark.parametrize("size", [3, 1_000])
def test_what_is_no_list_is_refused_with_its_line(text, size):
    with pytest.raises(JsonBroken) as refused:
        list(JsonStream(cut(text, size)).values())

    assert refused.value.values["line"] == 1
