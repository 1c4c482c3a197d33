"""What is known to be wrong in banks' XML: found by the schema, or without one by looking."""

import re
from collections.abc import Iterator

from lxml import etree

from billing.bank.statement import StatementWarning
from billing.bank.xml import Element, has_schema, schema_errors

FOUND_MAX = 50
# RFC 9562, section 5.4: the version stands in the 13th digit, the variant in the 17th.
_UETR = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII
)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
# What a bank's code is called: `BIC` until version 02, `BICFI` from 03 on.
_BIC_ELEMENTS = {"001.02": "BIC"}
_BIC_ELEMENT = "BICFI"


def schema_warnings(root: Element, message: str) -> tuple[StatementWarning, ...]:
    """Return what breaks the message's form, each with its line.

    Without a schema, say so, and look for what real banks are known to get wrong: a UETR that is
    no UUID of version 4, a country that is not two letters, a bank's code under the name of
    another version.
    """
    if has_schema(message):
        return tuple(
            StatementWarning("schema", f"line {line}", {"line": line, "words": words})
            for line, words in schema_errors(root, message)
        )
    found = (StatementWarning("no_schema", "Document", {"message": message}),)
    return (*found, *list(_looked_for(root, message))[:FOUND_MAX])


def _looked_for(root: Element, message: str) -> Iterator[StatementWarning]:
    bic = _BIC_ELEMENTS.get(message[-6:], _BIC_ELEMENT)
    for element in root.iter("{*}UETR", "{*}Ctry", "{*}BIC", "{*}BICFI"):
        name, value = etree.QName(element).localname, (element.text or "").strip()
        place, values = f"{name} (line {element.sourceline})", {"value": value[:40]}
        if name == "UETR" and not _UETR.fullmatch(value):
            yield StatementWarning("uetr_invalid", place, values)
        elif name == "Ctry" and not _COUNTRY.fullmatch(value):
            yield StatementWarning("country_invalid", place, values)
        elif name in ("BIC", "BICFI") and name != bic:
            yield StatementWarning("bic_element", place, {"found": name, "expected": bic})
