"""Papers to print: a template of typst and its content make a PDF that screen readers can read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typst
from django.utils.translation import get_language

FOLDER = Path(__file__).parent
FONTS = FOLDER / "fonts"


def pdf(template: Path, content: Mapping[str, Any]) -> bytes:
    """Return a paper as a PDF/UA-1, in the language spoken here and now.

    The template finds the content as JSON in `sys.inputs.content`, with its `language` beside
    what is given. The font that comes with us has the characters of GB 2312; a rarer one is
    taken from the system's fonts where they have it (docs/decisions/0018).
    """
    language = "zh" if get_language() == "zh-hans" else "en"
    made: bytes = typst.compile(
        template,
        font_paths=[FONTS],
        sys_inputs={"content": json.dumps({"language": language, **content})},
        pdf_standards=["ua-1"],
    )
    return made


@dataclass(frozen=True)
class PaperTable:
    """A table of a paper: columns as (label, whether of figures), and a last row of sums."""

    caption: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[str]]
    last: Sequence[str] = ()


def tables_pdf(
    *,
    title: str,
    head: str,
    rows: Sequence[tuple[str, str]],
    tables: Sequence[PaperTable],
    note: str = "",
    is_wide: bool = False,
) -> bytes:
    """Return a paper of facts and tables as a PDF, in the language spoken here and now.

    :param head: one small line above the title, such as the programme and its authority.
    :param is_wide: whether the sheet lies on its side, for tables of many columns.
    """
    content = {
        "title": title,
        "head": head,
        "rows": [[str(key), str(value)] for key, value in rows],
        "tables": [
            {
                "caption": one.caption,
                "columns": [
                    {"label": str(n), "numeric": is_figure} for n, is_figure in one.columns
                ],
                "rows": [[str(cell) for cell in row] for row in one.rows],
                "last": [str(cell) for cell in one.last],
            }
            for one in tables
        ],
        "note": note,
        "is_wide": is_wide,
    }
    return pdf(FOLDER / "paper" / "tables.typ", content)
