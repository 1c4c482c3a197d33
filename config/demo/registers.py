"""What the demo's registers say of its organisations: all of them small, clean and unrelated."""

import json
from pathlib import Path

from parties.kinds import Register
from parties.models import Organisation
from parties.registers import Answer, facts_from, facts_to_json
from parties.undertakings import identifier_of

_SOURCES = {
    Register.BUSINESS: "Demo business register / 演示工商登记",
    Register.CONDUCT: "Demo register of conduct / 演示信用信息平台",
    Register.OWNERSHIP: "Demo register of ownership / 演示股权登记",
}
_SALES = {"CN": (3_000_000_00, "CNY"), "GB": (400_000_00, "GBP")}


def answers_about(organisation: Organisation) -> tuple[Answer, ...]:
    """Return what each register of the demo says of an organisation; aid is not connected."""
    revenue, currency = _SALES[organisation.country]
    said = {
        Register.BUSINESS: {
            "employees": organisation.employees,
            "revenue": revenue,
            "currency": currency,
            "founded_on": str(organisation.founded_on),
            "region": organisation.region,
            "tax_region": organisation.region,
            "insurance_region": organisation.region,
            "tax_debt": False,
        },
        Register.CONDUCT: {"findings": []},
        Register.OWNERSHIP: {"links": []},
    }
    return tuple(
        Answer(register, _SOURCES[register], facts_from(register, facts))
        for register, facts in said.items()
    )


def write_registers(folder: Path) -> None:
    """Write the registers of the demo as files, unless the folder is there already."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    listed: dict[Register, dict[str, object]] = {register: {} for register in _SOURCES}
    for organisation in Organisation.objects.order_by("pk"):
        for answer in answers_about(organisation):
            facts = facts_to_json(answer.facts)
            listed[answer.register][str(identifier_of(organisation))] = facts
    for register, organisations in listed.items():
        text = {"source": _SOURCES[register], "organisations": organisations}
        file = folder / f"{register.lower()}.json"
        file.write_text(json.dumps(text, ensure_ascii=False, indent=1) + "\n", "utf-8")
