"""Workbooks for tests, as a spreadsheet saves them and as nobody would."""

import io
import zipfile
from datetime import datetime

import openpyxl

HEADER = ["job_id", "voucher", "resource", "class", "count", "start", "end", "state"]
HEADER_ZH = ["作业编号", "算力券", "资源", "加速卡类别", "数量", "开始时间", "结束时间", "状态"]
START, END = datetime(2026, 11, 2, 8, 30), datetime(2026, 11, 2, 20, 30)
ROW = ["j1", "V-7K2QX9", "GPU", "H100", 8, START, END, "COMPLETED"]


def workbook(*rows, title="June", **more_sheets):
    """Return a workbook of one sheet with rows, and of more sheets by name."""
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for name, others in more_sheets.items():
        other = made.create_sheet(name)
        for row in others:
            other.append(row)
    return saved(made)


def saved(made):
    data = io.BytesIO()
    made.save(data)
    data.seek(0)
    return data


def archive_of(**parts):
    """Return a minimal archive with parts by name, compressed as workbooks are."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    data.seek(0)
    return data


def parts_of(**parts):
    """Return a workbook of one sheet whose parts are XML as given."""
    main = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    given = {
        "xl__workbook": '<workbook><sheets><sheet name="S" id="r1"/></sheets></workbook>',
        "xl__worksheets__sheet1": "<worksheet/>",
        **parts,
    }
    data = archive_of(**given)
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships><Relationship Id="r1" Type="{main}/worksheet" '
            'Target="worksheets/sheet1.xml"/><Relationship Id="r2" '
            f'Type="{main}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        )
        if "xl__sharedStrings" not in given:
            archive.writestr("xl/sharedStrings.xml", "<sst/>")
    data.seek(0)
    return data


def sheet_of(rows, texts="<sst/>"):
    return parts_of(
        xl__worksheets__sheet1=f"<worksheet>{rows}</worksheet>", xl__sharedStrings=texts
    )
