"""The developers' pages: every operation with examples, and every code of a refusal."""

import functools
import json
import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator

from common.errors import Refused
from providers.api.problems import OWN, STATUS_OF, TITLES


@require_GET
def api_docs(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API with what it takes and gives, and how to call it."""
    schema = _schema()
    context = {
        "version": schema["info"]["version"],
        "columns": [_("Field"), _("Type"), _("Required"), _("Meaning")],
        "operations": _operations(),
        "schemas": _shapes(schema),
    }
    return render(request, "providers/api_docs.html", context)


@functools.cache
def _schema() -> dict[str, Any]:
    """Return the API's description; the code does not change while it runs."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return schema


@functools.cache
def _operations() -> tuple[dict[str, Any], ...]:
    schema = _schema()
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
        }
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    )


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    shape: dict[str, Any] = (
        holder.get("content", {}).get("application/json", {}).get("schema", {})
    )
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
