"""A paper has a glyph for every character that we write, in both languages."""

import re
import struct

import polib
from django.utils import translation

from common.papers import FONTS, PaperTable, tables_pdf
from tests.house.test_languages import CATALOGUE


def characters_of_font():
    """Return the code points of the font's character map (OpenType `cmap`, format 4)."""
    data = (FONTS / "NotoSansSC-Regular.otf").read_bytes()
    (count,) = struct.unpack(">H", data[4:6])
    records = (data[12 + 16 * place : 28 + 16 * place] for place in range(count))
    offsets = {one[:4]: struct.unpack(">I", one[8:12])[0] for one in records}
    cmap = data[offsets[b"cmap"] :]
    known = set()
    for place in range(struct.unpack(">H", cmap[2:4])[0]):
        (at,) = struct.unpack(">I", cmap[8 + 8 * place : 12 + 8 * place])
        if struct.unpack(">H", cmap[at : at + 2])[0] == 4:
            segments = struct.unpack(">H", cmap[at + 6 : at + 8])[0] // 2
            size = 2 * segments
            lasts = struct.unpack(f">{segments}H", cmap[at + 14 : at + 14 + size])
            firsts = struct.unpack(f">{segments}H", cmap[at + 16 + size : at + 16 + 2 * size])
            for first, last in zip(firsts, lasts, strict=True):
                known |= set(range(first, last + 1))
    return known


def test_the_font_has_every_character_of_our_sentences():
    said = "".join(entry.msgstr + entry.msgid for entry in polib.pofile(str(CATALOGUE)))
    known = characters_of_font()
    assert len(known) > 6_763  # the characters of GB 2312 alone
    assert sorted({one for one in said if one > " " and ord(one) not in known}) == []


def test_a_paper_of_many_rows_goes_over_several_pages():
    rows = [[str(number), "算力服务", "¥1.00"] for number in range(200)]
    columns = [("行", False), ("内容", False), ("金额", True)]
    with translation.override("zh-hans"):
        made = tables_pdf(
            title="往来对账单",
            head="算力券",
            rows=[("单位", "智算科技")],
            tables=[PaperTable("明细", columns, rows, ["", "合计", "¥200.00"])],
        )
    assert made.startswith(b"%PDF-")
    assert int(re.search(rb"/Count (\d+)", made)[1]) > 3
