"""JSON as a provider sends it, read."""

import io
import json

from billing.usage.intake import read_usage

HOUR = 3_600_000


def parse(content, format, **options):
    text = content if isinstance(content, str) else json.dumps(content)
    parsed = read_usage(io.BytesIO(text.encode()), format, **options)
    return list(parsed), parsed


def codes(parsed):
    return [(error.row, error.column, error.code) for error in parsed.errors]
