"""The developers' pages: every operation with examples, and every code of a refusal."""

import functools
import json
import re
from pprint import pformat
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from common.errors import Refused
from providers.api.problems import OWN, STATUS_OF, TITLES
from providers.kinds import EVENTS

# How a program in Python checks that an event is ours; `secret` was shown when the address was
# added, `body` is the text as it came and `headers` are those of the request.
CHECK_AN_EVENT = """\
from standardwebhooks import Webhook

event = Webhook(secret).verify(body, headers)
print(event["type"], event["data"])
"""


@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API with what it takes and gives, and how to call it."""
    schema = described_api()
    context = {
        "version": schema["info"]["version"],
        "columns": [_("Field"), _("Type"), _("Required"), _("Meaning")],
        "operations": _operations(),
        "event_columns": [_("Event"), _("When it is sent"), _("Shape")],
        "events": _events(schema),
        "check_an_event": CHECK_AN_EVENT,
        "schemas": _shapes(schema),
    }
    return render(request, "providers/api_docs.html", context)


@require_safe
def api_schema(request: HttpRequest) -> HttpResponse:
    """Give the description for machines: OpenAPI 3.1, the same for everyone."""
    return HttpResponse(_described_bytes(), content_type="application/json")


@functools.cache
def _described_bytes() -> bytes:
    return OpenApiJsonRenderer().render(described_api())


@functools.cache
def described_api() -> dict[str, Any]:
    """Return the API's description, made from the code, which does not change while it runs.

    In English whoever asks first, like the words of the description itself.
    """
    with translation.override("en"):
        schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
        described: dict[str, Any] = json.loads(OpenApiJsonRenderer().render(schema))
    return described


def _events(schema: dict[str, Any]) -> list[list[Any]]:
    """Return each event with its words and the shape of its body."""
    rows: list[list[Any]] = []
    for type, item in schema["webhooks"].items():
        shape = _name_of(_content(item["post"]["requestBody"]))
        rows.append([type, EVENTS[type], {"text": shape, "url": f"#shape-{shape}"}])
    return rows


@functools.cache
def _operations() -> tuple[dict[str, Any], ...]:
    schema = described_api()
    return tuple(
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "parameters": [
                one for one in operation.get("parameters", []) if one.get("description")
            ],
            "body": _name_of(_content(operation.get("requestBody", {}))),
            "answers": [
                {
                    "status": status,
                    "description": answer.get("description", ""),
                    "shape": _name_of(_content(answer)),
                }
                for status, answer in operation["responses"].items()
            ],
            "curl": _curl(method.upper(), path, operation),
            "python": _python(method.upper(), path, operation),
        }
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    )


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    """Return the shape of a body or an answer; each has one form."""
    first: dict[str, Any] = next(iter(holder.get("content", {}).values()), {})
    shape: dict[str, Any] = first.get("schema", {})
    return shape


def _name_of(shape: dict[str, Any]) -> str:
    return str(shape.get("$ref", "")).rpartition("/")[2]


def _curl(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [f"curl -X {method} {settings.PUBLIC_URL}{path}"]
    lines.append('-H "Authorization: Bearer $TESSERA_KEY"')
    if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", [])):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    body = _content(operation.get("requestBody", {}))
    if body:
        lines.append('-H "Content-Type: application/json"')
        example = json.dumps(_example(operation), ensure_ascii=False, indent=2)
        lines.append(f"-d '{example}'")
    return " \\\n  ".join(lines)


def _python(method: str, path: str, operation: dict[str, Any]) -> str:
    """Return the same call in Python with the library requests."""
    headers = ['"Authorization": f"Bearer {key}"']
    if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", [])):
        headers.append('"Idempotency-Key": str(uuid.uuid4())')
    lines = ["import uuid", ""] if len(headers) > 1 else []
    lines += ["import requests", "", "answer = requests.request("]
    lines += [f'    "{method}",', f'    "{settings.PUBLIC_URL}{path}",']
    lines += [f"    headers={{{', '.join(headers)}}},"]
    if _content(operation.get("requestBody", {})):
        example = pformat(_example(operation), sort_dicts=False, width=80)
        lines.append("    json=" + example.replace("\n", "\n         ") + ",")
    return "\n".join(
        [*lines, "    timeout=20,", ")", "print(answer.status_code, answer.json())"]
    )


def _example(operation: dict[str, Any]) -> Any:
    """Return the first example that an operation gives of its request."""
    content = operation["requestBody"]["content"]["application/json"]
    return next(iter(content["examples"].values()))["value"]


def _shapes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "description": shape.get("description", ""),
            "fields": [
                [
                    field,
                    _type_of(inner),
                    _("yes") if field in shape.get("required", []) else _("no"),
                    inner.get("description", "–"),
                ]
                for field, inner in shape.get("properties", {}).items()
            ],
        }
        for name, shape in schema["components"]["schemas"].items()
    ]


def _type_of(shape: dict[str, Any]) -> str:
    name = _name_of(shape) or _name_of((shape.get("allOf") or [{}])[0])
    if name:
        return name
    if shape.get("type") == "array":
        return f"[{_type_of(shape['items'])}]"
    return " ".join(str(shape[part]) for part in ("type", "format") if part in shape)


# --- the codes of refusals -------------------------------------------------------------------

_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


@require_GET
def api_errors(request: HttpRequest) -> HttpResponse:
    """Show every code that a refusal can have: its status, and what it says to do."""
    codes = [
        {"code": code, "status": status, "title": TITLES[status], "sentences": sentences}
        for code, (status, sentences) in sorted(codes_of_refusals().items())
    ]
    return render(request, "providers/api_errors.html", {"codes": codes})


def codes_of_refusals() -> dict[str, tuple[int, list[str]]]:
    """Return the status and the sentences of every code, placeholders written as {name}.

    Read from the refusals themselves, so that a new one is on the page by being written.
    """
    found: dict[str, tuple[int, list[str]]] = {
        code: (status, [str(sentence)]) for code, (status, sentence) in OWN.items()
    }
    for refusal in _refusals(Refused):
        status = STATUS_OF.get(refusal.code, 409)
        sentence = _PLACEHOLDER.sub(r"{\1}", str(refusal.sentence)).replace("%%", "%")
        _status, sentences = found.setdefault(refusal.code, (status, []))
        if sentence not in sentences:
            sentences.append(sentence)
    return found


def _refusals(kind: type[Refused]) -> list[type[Refused]]:
    own = [kind] if "code" in vars(kind) and kind is not Refused else []
    return own + [one for child in kind.__subclasses__() for one in _refusals(child)]
