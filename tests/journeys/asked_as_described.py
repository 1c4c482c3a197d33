"""Run by schemathesis before each call: what is well-formed names things that are there."""

import json
import os
from uuid import uuid4

import schemathesis

REAL = json.loads(os.environ.get("REAL_THINGS", "{}"))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Name real things where the call is well-formed; leave alone what is meant to be wrong."""
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    operation = case.operation.definition.raw["operationId"]
    real = {**REAL.get("path", {}), **REAL.get("paths", {}).get(operation, {})}
    for name, value in real.items():
        if name in (case.path_parameters or {}):
            case.path_parameters[name] = value
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid4())
    given = REAL.get(operation)
    if given and isinstance(case.body, dict):
        case.body = {**case.body, **{name: given[name] for name in given if given[name]}}
        for name in (one for one in given if given[one] is None):
            case.body.pop(name, None)
