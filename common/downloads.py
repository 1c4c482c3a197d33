"""Answers that are files to keep."""

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.http import HttpResponse
from django.utils.http import content_disposition_header
from openpyxl import Workbook

from common.spreadsheets import safe_cell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_answer(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> HttpResponse:
    """Answer with a CSV that a spreadsheet opens as it is, and cannot run."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(_csv_cell(cell) for cell in row)
    return file_answer(
        name, b"\xef\xbb\xbf" + text.getvalue().encode(), "text/csv; charset=utf-8"
    )


def _csv_cell(cell: object) -> object:
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, int):
        return cell
    return safe_cell("" if cell is None else str(cell))


def file_answer(name: str, content: bytes, kind: str) -> HttpResponse:
    """Answer with a file to keep."""
    response = HttpResponse(content, content_type=kind)
    # A name in other letters than a header's is written another way (RFC 6266).
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=name
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


def xlsx_answer(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> HttpResponse:
    """Answer with a workbook of one sheet, its figures as numbers and no text a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(header))
    for row in rows:
        sheet.append([_xlsx_cell(cell) for cell in row])
    data = io.BytesIO()
    book.save(data)
    return file_answer(name, data.getvalue(), XLSX)


def _xlsx_cell(cell: object) -> object:
    return cell if isinstance(cell, Decimal | int) else _csv_cell(cell)
