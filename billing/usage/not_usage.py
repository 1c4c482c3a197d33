"""Files that providers send by mistake: known for what they are, and told where they belong."""

import re
from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Head
from billing.usage.focus import other_focus
from billing.usage.options import NotUsage
from billing.usage.plain import names_in

_METRICS = re.compile(
    r"# (?:HELP|TYPE) [a-zA-Z_:]|[a-zA-Z_:][\w:]*(?:\{[^\n]*\})? [-+0-9.eEInfNa]+(?: -?\d+)?$",
    re.ASCII,
)
_AS_EVIDENCE = _("Send it as evidence.")
_AS_CAPACITY = _("Enter it in the capacity register.")


def _is_metrics(head: Head) -> bool:
    lines = head.lines
    return (
        bool(lines)
        and all(_METRICS.match(line) or line[0] == "#" for line in lines)
        and any(_METRICS.match(line) for line in lines)
    )


def _is_counters(head: Head) -> bool:
    return head.first_line.startswith("DCGM_") and head.first_line.count(",") >= 2


def _has_columns(*names: str) -> Callable[[Head], bool]:
    return lambda head: set(names) <= names_in(head.first_line)


def _says(*texts: str) -> Callable[[Head], bool]:
    return lambda head: all(text in head.text for text in texts)


def _is_other_focus(head: Head) -> bool:
    return bool(other_focus(head.first_line))


KNOWN = (
    (
        _is_other_focus,
        _("a FOCUS table of commitments, invoices or periods"),
        _("Send the Cost and Usage table of the same export."),
    ),
    (_is_metrics, _("a page of telemetry (Prometheus)"), _AS_EVIDENCE),
    (_is_counters, _("a list of DCGM counters"), _("Send the usage that was metered.")),
    (
        _has_columns("value", "timestamp_anon", "container_ip"),
        _("a series of utilisation samples"),
        _AS_EVIDENCE,
    ),
    (_has_columns("sn", "gpu", "model"), _("a list of nodes"), _AS_CAPACITY),
    (
        _has_columns("gpu_model", "gpu_capacity_num", "node_name"),
        _("a list of nodes"),
        _AS_CAPACITY,
    ),
    (
        _says('"partNumber"', '"metricName"'),
        _("a price list"),
        _("Enter the prices in the catalogue."),
    ),
    (
        _says("/namespaces/2011/02/storagerecord"),
        _("a list of storage records (StAR)"),
        _("Send the records of computing (CAR)."),
    ),
)


def refuse_if_known(head: Head) -> None:
    """Refuse a file that is known to be something else than usage.

    :raises NotUsage: saying what it is and where it belongs.
    """
    for is_it, what, fix in KNOWN:
        if is_it(head):
            raise NotUsage(what=what, fix=fix)
