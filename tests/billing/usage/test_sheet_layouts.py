"""A row laid out like one that was read says, read at once, what the parser says of it."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common import sheet_xml
from common.sheet_layouts import RowLayouts, TextLayouts
from common.sheet_walk import Broken
from common.sheet_xml import EPOCH_1900, Rows, Setting, Styles, shared_texts

SETTING = Setting(
    ["job", ' "a" b ', "中文", "x\ny", ""], Styles(["", "d", "c", "l"]), EPOCH_1900
)
TEXTS = st.sampled_from(["H100", " a b ", "", "项目", "a&amp;b", 'say "x"', "a'b", "]]>", "1"])
NUMBERS = st.sampled_from(
    [
        "1",
        "0",
        "-3",
        "45963.354166666664",
        "1E-7",
        "4.5e9",
        "0.1",
        "9" * 39,
        "0.5",
        "x",
        " 7",
        "",
    ]
)
CELLS = st.one_of(
    st.tuples(st.just("n"), NUMBERS),
    st.tuples(st.just(""), NUMBERS),
    st.tuples(st.just("s"), st.sampled_from(["0", "1", "2", "3", "4", "0"])),
    st.tuples(st.sampled_from(["str", "inlineStr", "b", "e"]), TEXTS),
    st.just(None),
)


def written(number, column, style, cell):
    """Return a cell as a program writes it: with its place, its style and its type."""
    place = f'<c r="{"ABCDEFGH"[column]}{number}"' + (f' s="{style}"' if style else "")
    if cell is None:
        return f"{place}/>"
    kind, value = cell
    if kind == "inlineStr":
        return f'{place} t="inlineStr"><is><t>{value}</t></is></c>'
    return place + (f' t="{kind}"' if kind else "") + f"><v>{value}</v></c>"


@st.composite
def sheets(draw):
    """Give a sheet: rows of a few layouts, with another between now and then."""
    layouts = draw(
        st.lists(
            st.lists(st.tuples(st.integers(0, 7), st.integers(0, 4)), min_size=1, max_size=5),
            min_size=1,
            max_size=3,
        )
    )
    kinds = {cell: draw(CELLS) for layout in layouts for cell in layout}
    attributes = draw(st.sampled_from(["", ' spans="1:9" ht="12.8"', ' x:dyDescent="0.25"']))
    rows, number = [], 0
    for _each in range(draw(st.integers(1, 12))):
        number += draw(st.sampled_from([1, 1, 1, 2]))
        layout = draw(st.sampled_from(layouts))
        cells = []
        for column, style in sorted(dict(layout).items()):
            kind = kinds.get((column, style))
            # Of the same type, with another value.
            other = draw(CELLS.filter(lambda one, kind=kind: _kind(one) == _kind(kind)))
            cells.append(written(number, column, style, other))
        between = draw(st.sampled_from(["", "", "", "\n", "<!-- </row> -->", "<?pi </row>?>"]))
        rows.append(f'<row r="{number}"{attributes}>{"".join(cells)}</row>{between}')
    spoilt = draw(st.sampled_from(["", "", "", "<row", "</row>", "<c/>", "&x;"]))
    place = draw(st.integers(0, len(rows)))
    head = draw(st.sampled_from(["", '<?xml version="1.0" encoding="UTF-8"?>']))
    return f"{head}<s><d>{''.join([*rows[:place], spoilt, *rows[place:]])}</d></s>"


def _kind(cell):
    return None if cell is None else cell[0]


def read(text, encoding="utf-8"):
    try:
        return list(Rows(io.BytesIO(text.encode(encoding)), SETTING))
    except (Broken, sheet_xml.TooWide) as error:
        return type(error)


def read_with_care(text, encoding="utf-8"):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RowLayouts, "read", lambda *_given: None)
        return read(text, encoding)


@given(sheets())
@settings(max_examples=1_000, deadline=None)
@example("<s><d>" + 3 * '<row r="1"><c r="A1"><v>1</v></c></row>' + "</d></s>")
def test_both_ways_of_reading_a_sheet_agree(sheet):
    assert read(sheet) == read_with_care(sheet)


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "cp1252", "cp037", "cp864"])
def test_the_encoding_changes_nothing(encoding):
    rows = "".join(
        f'<row r="{n}"><c r="A{n}" t="str"><v>5 of {n}</v></c></row>' for n in range(1, 9)
    )
    sheet = f'<?xml version="1.0" encoding="{encoding}"?><s><d>{rows}</d></s>'

    found = read(sheet, encoding)

    assert found == read_with_care(sheet, encoding)
    # Not of the characters that XML itself knows: refused, and by either way.
    assert found in ([(n, [f"5 of {n}"]) for n in range(1, 9)], Broken)


def test_a_plain_row_takes_the_quick_way(monkeypatch):
    parsed = []
    begin = Rows._begin_row
    monkeypatch.setattr(
        Rows, "_begin_row", lambda self, number: parsed.append(number) or begin(self, number)
    )
    rows = "".join(
        f'<row r="{n}" spans="1:3"><c r="A{n}" t="s"><v>0</v></c>'
        f'<c r="C{n}"><v>{n}.5</v></c></row>'
        for n in range(1, 100)
    )

    assert read(f"<s><d>{rows}</d></s>") == [(n, ["job", "", f"{n}.5"]) for n in range(1, 100)]
    # The first stands behind what is no row.
    assert parsed == ["1", "2"]


@given(st.lists(TEXTS, max_size=20), st.sampled_from(["", "<rPh><t>kana</t></rPh>"]))
@settings(max_examples=300, deadline=None)
def test_both_ways_of_reading_texts_agree(said, spoken):
    items = [f"<si><t>{text.replace(']]>', '')}</t></si>" for text in said]
    items.insert(len(items) // 2, f'<si><r><t xml:space="preserve">a </t></r>{spoken}</si>')
    table = f"<sst>{''.join(items)}</sst>".encode()

    quickly = shared_texts(io.BytesIO(table), 1 << 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TextLayouts, "read", lambda *_given: None)
        assert quickly == shared_texts(io.BytesIO(table), 1 << 20)
    assert len(quickly) == len(said) + 1
