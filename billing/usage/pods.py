"""Pod lists of Kubernetes, as `kubectl get pods -o json` prints them."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.usage.adapter import Document, DocumentAdapter, Head
from billing.usage.cells import EPOCH, CellProblem, Row, read_instant
from billing.usage.job import (
    LONGEST_RUN,
    Columns,
    Job,
    is_plain_cluster,
    plain_record,
    read_whole,
    record_of,
    resource_of,
)
from billing.usage.json_layouts import Path, layout_of
from billing.usage.json_stream import JsonStream, object_at, objects_at, text_at
from billing.usage.known import instant_in_utc
from billing.usage.options import Options
from billing.usage.record import (
    NEVER_STARTED,
    NO_GPU,
    NOT_ENDED,
    OTHER_EVENT,
    PENDING,
    RowResult,
    Skipped,
    UsageRecord,
    plain_usage,
)

# Device plugins' names of whole GPUs and of MIG slices (nvidia.com/mig-1g.10gb).
_GPU = re.compile(
    r"(?:nvidia\.com/(?:gpu|mig-[0-9a-z.+-]{1,30})|amd\.com/gpu|gpu\.intel\.com/\w{1,20}"
    r"|huawei\.com/Ascend\w{1,20}|[a-z0-9.-]{1,60}/gpu)",
    re.ASCII,
)
# What nearly every container asks for.
_NO_GPUS = frozenset({"cpu", "memory", "ephemeral-storage"})
_VOUCHER = "tessera.dev/voucher"
_MODEL = "nvidia.com/gpu.product"
_METER = "kubernetes"
_WHOLE_GPU = "nvidia.com/gpu"
_ONE_KIND = frozenset({_WHOLE_GPU})
_GPU_DIGITS_MOST = 9
_ENDED = {"Succeeded": "COMPLETED", "Failed": "FAILED"}
_PLAIN_REASONS = ("Completed", "Error")
# A pod's number, its account and its GPUs' model, none with a blank.
_NAMED = re.compile(r"[!-~]+\n[!-~]+\n[!-~]*", re.ASCII)
_REASONS = {
    "OOMKilled": "OUT_OF_MEMORY",
    "DeadlineExceeded": "DEADLINE",
    "Preempting": "PREEMPTED",
    "Evicted": "PREEMPTED",
    "NodeLost": "NODE_FAIL",
}
_NAMES = Columns("metadata.name", "metadata.namespace", "startedAt", "finishedAt", "limits")
_CORES = re.compile(r"(\d{1,9})(m|\.\d{1,3})?", re.ASCII)
_whole = read_whole("gpus_unreadable")


def results(document: Document, options: Options) -> Iterator[RowResult]:
    """Give what each pod came to; a list, a single pod and one pod a line are read alike.

    A pod's GPUs are the limits of its containers (what Kubernetes holds for extended
    resources), added up, or those of an init container if they are more. It holds them from
    the first container's start to the last one's finish. The account is the annotation or label
    `tessera.dev/voucher`, else the namespace; the class is the node selector's GPU product, or
    the MIG profile. A pod that runs, waits or never started a container is skipped.

    :raises FileUnreadable: in JSON's kinds.
    """
    stream = JsonStream(document.texts())
    for number, pod in enumerate(_pods(stream, PodLayouts(options)), start=1):
        if isinstance(pod, UsageRecord):
            yield pod
        else:
            yield _plain(number, pod, options) or _carefully(Row(number), pod, options)


def _plain(number: int, pod: Any, options: Options) -> UsageRecord | None:
    """Return the record of a pod that has nothing else to tell, at a fraction of the cost.

    Such a pod ran one container, once, on whole GPUs of NVIDIA's, and says whose it is.
    """
    try:
        metadata, spec, status = pod["metadata"], pod["spec"], pod["status"]
        (container,), (ran,) = spec["containers"], status["containerStatuses"]
        ended, resources = ran["state"]["terminated"], container["resources"]
        limits, asked = resources["limits"], resources.get("requests", {})
        gpus, reason = limits[_WHOLE_GPU], ended.get("reason", "Completed")
        account = metadata.get("annotations", {}).get(_VOUCHER) or metadata["labels"][_VOUCHER]
        uid = metadata["uid"]
        model = spec.get("nodeSelector", {}).get(_MODEL, "")
        run = instant_in_utc(ended["startedAt"]), instant_in_utc(ended["finishedAt"])
        has_more = {*asked, *limits} - _NO_GPUS != _ONE_KIND
        names = "\n".join((uid, account, model))
        state = _ENDED[status["phase"]] if reason in _PLAIN_REASONS else ""
        is_told = _NAMED.fullmatch(names) and gpus.isascii() and gpus.isdigit()
    except (AttributeError, KeyError, TypeError, ValueError):
        # Something is missing, or is no text, object or list.
        return None
    if options.resource == "CPU" or pod.get("kind", "Pod") != "Pod":
        return None
    if has_more or not is_told or len(gpus) > _GPU_DIGITS_MOST:
        return None
    if any(
        (
            status.get("reason"),
            status.get("initContainerStatuses"),
            spec.get("initContainers"),
            ran.get("lastState"),
        )
    ):
        return None
    source = options.source or _METER
    return plain_record(
        source, options.cluster, uid, account, model, ("GPU", int(gpus)), state, run, number
    )


_UID, _MODEL_OF = ("metadata", "uid"), ("spec", "nodeSelector", _MODEL)
_ANNOTATION, _LABEL = (
    ("metadata", "annotations", _VOUCHER),
    ("metadata", "labels", _VOUCHER),
)
_LIMIT = ("spec", "containers", 0, "resources", "limits", _WHOLE_GPU)
_ENDED_AT = ("status", "containerStatuses", 0, "state", "terminated")
_WORD = r"[!#-\[\]-~]{1,60}+"
_INSTANT = r"(?:19[89]|20\d|21\d)\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_WANTED: dict[Path, str] = {
    _UID: f"(?P<uid>{_WORD})",
    _ANNOTATION: f"(?P<annotation>{_WORD})",
    _LABEL: f"(?P<label>{_WORD})",
    _MODEL_OF: f"(?P<model>(?:{_WORD})?)",
    _LIMIT: r"(?P<gpus>\d{1,9}+)",
    ("status", "phase"): f"(?P<phase>{'|'.join(_ENDED)})",
    (*_ENDED_AT, "reason"): f"(?P<reason>{'|'.join(_PLAIN_REASONS)})",
    (*_ENDED_AT, "startedAt"): f"(?P<start>{_INSTANT})",
    (*_ENDED_AT, "finishedAt"): f"(?P<end>{_INSTANT})",
}
# Of what else counts, each is as it was.
_FIXED = frozenset[Path](
    [
        ("kind",),
        ("spec", "initContainers"),
        ("status", "reason"),
        ("status", "initContainerStatuses"),
        ("status", "containerStatuses", 0, "lastState"),
    ]
)
_LAYOUTS_MAX, _LEARNT_MAX = 4, 16


class PodLayouts:
    """Reads pods laid out like plain ones that were decoded; all others it leaves alone."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._source = options.source or _METER
        self._layouts: list[re.Pattern[str]] = []
        self._may_learn = _LEARNT_MAX if is_plain_cluster(options.cluster) else 0

    def learn(self, text: str, pod: Any) -> None:
        """Learn how a pod is laid out that was decoded from a text, if it is a plain one."""
        if not self._may_learn or _plain(0, pod, self._options) is None:
            return
        if any(layout.fullmatch(text) for layout in self._layouts):
            return
        self._may_learn -= 1
        layout = layout_of(text, _WANTED, _FIXED)
        if layout is not None:
            self._layouts = [layout, *self._layouts[: _LAYOUTS_MAX - 1]]

    def read(self, text: str, at: int, number: int) -> tuple[UsageRecord, int] | None:
        """Return the plain pod that begins at a place as a record, and where it ends.

        :param number: its row.
        """
        for layout in self._layouts:
            match = layout.match(text, at)
            if match is not None:
                record = self._record_of(match, number)
                return None if record is None else (record, match.end())
        return None

    def _record_of(self, match: re.Match[str], number: int) -> UsageRecord | None:
        uid, annotation, label, model, gpus, phase, start, end = match.group(
            "uid", "annotation", "label", "model", "gpus", "phase", "start", "end"
        )
        try:
            started_at, ended_at = datetime.fromisoformat(start), datetime.fromisoformat(end)
        except ValueError:
            # A day that no calendar has.
            return None
        thousandths = int(gpus) * 1000
        if not (thousandths and started_at <= ended_at < started_at + LONGEST_RUN):
            return None
        return plain_usage(
            (
                self._source,
                f"{self._options.cluster}/{uid}/{start}",
                "GPU",
                thousandths,
                started_at,
                ended_at,
                _ENDED[phase],
                annotation or label,
                model,
                number,
                "",
            )
        )


def _pods(stream: JsonStream, layouts: PodLayouts) -> Iterator[Any]:
    """Give each pod, and those that are plain as the records that they come to."""
    number = 0
    if stream.peek() == "[":
        yield from stream.values()
        return
    while stream.peek():
        single: dict[str, Any] = {}
        for name in stream.members():
            if name == "items" and stream.peek() == "[":
                for _place in stream.elements():
                    number += 1
                    record = stream.taken(layouts.read, number)
                    if record is not None:
                        yield record
                        continue
                    pod = stream.value()
                    layouts.learn(stream.value_text, pod)
                    yield pod
            else:
                single[name] = stream.value()
        if single.get("kind") == "Pod":
            number += 1
            yield single


def _carefully(row: Row, pod: Any, options: Options) -> RowResult:
    """Return what a pod came to, whatever it looks like."""
    if not isinstance(pod, dict):
        row.note("", str(pod), CellProblem("not_an_object"))
        return tuple(row.errors)
    if text_at(pod, "kind") not in {"", "Pod"}:
        return Skipped(OTHER_EVENT)
    containers = objects_at(pod, "spec", "containers")
    gpus, models = _gpus_of(row, containers, pod)
    cores = _cores_of(containers)
    if resource_of(gpus * 1000, cores, options) is None:
        return tuple(row.errors) or Skipped(NO_GPU)
    phase = text_at(pod, "status", "phase")
    if phase == "Pending":
        return Skipped(PENDING)
    if phase not in {"Succeeded", "Failed"}:
        return Skipped(NOT_ENDED)
    ended, states = _ended(pod)
    ran = _ran(row, ended, options)
    if row.errors:
        return tuple(row.errors)
    if ran is None:
        return Skipped(NEVER_STARTED)
    state = _state_of(pod, phase, states)
    job = _job(pod, state, gpus, cores, models, ran, options)
    return record_of(row, job, options, _METER, _NAMES)


def _job(
    pod: dict[str, Any],
    state: str,
    gpus: int,
    cores: int,
    models: str,
    ran: tuple[datetime, datetime],
    options: Options,
) -> Job:
    metadata = object_at(pod, "metadata")
    namespace = text_at(metadata, "namespace")
    return Job(
        cluster=options.cluster,
        job_id=text_at(metadata, "uid")
        or "/".join(filter(None, (namespace, text_at(metadata, "name")))),
        user=text_at(pod, "spec", "serviceAccountName"),
        account=text_at(metadata, "annotations", _VOUCHER)
        or text_at(metadata, "labels", _VOUCHER)
        or namespace,
        state=state,
        started_at=ran[0],
        ended_at=ran[1],
        wall_seconds=(ran[1] - ran[0]) // timedelta(seconds=1),
        nodes=1,
        cores_thousandths=cores,
        gpus_thousandths=gpus * 1000,
        models=models,
    )


def _gpus_of(
    row: Row, containers: list[dict[str, Any]], pod: dict[str, Any]
) -> tuple[int, str]:
    profiles: set[str] = set()
    together = sum(_gpus_in(row, container, profiles) for container in containers)
    first = [
        _gpus_in(row, container, profiles)
        for container in objects_at(pod, "spec", "initContainers")
    ]
    product = text_at(pod, "spec", "nodeSelector", _MODEL)
    return max([together, *first]), product or "+".join(sorted(profiles))


def _gpus_in(row: Row, container: dict[str, Any], profiles: set[str]) -> int:
    resources = object_at(container, "resources")
    asked, limits = object_at(resources, "requests"), object_at(resources, "limits")
    count = 0
    for name, amount in ({**asked, **limits} if asked else limits).items():
        if name in _NO_GPUS or not _GPU.fullmatch(name):
            continue
        text = amount if isinstance(amount, str) else str(amount)
        count += row.take("limits", text, _whole, 0)
        _vendor, _slash, kind = name.partition("/")
        if kind.startswith("mig-"):
            profiles.add(kind)
    return count


def _cores_of(containers: list[dict[str, Any]]) -> int:
    """Return the thousandths of cores that a pod's containers ask for together."""
    thousandths = 0
    for container in containers:
        text = text_at(container, "resources", "requests", "cpu")
        match = _CORES.fullmatch(text)
        if match is None:
            continue
        whole, rest = match.groups()
        if rest == "m":
            thousandths += int(whole)
        else:
            thousandths += int(whole) * 1000 + int((rest or ".0")[1:].ljust(3, "0"))
    return thousandths


def _ran(
    row: Row, ended: list[dict[str, Any]], options: Options
) -> tuple[datetime, datetime] | None:
    def instants(name: str) -> list[datetime]:
        texts = (text_at(one, name) for one in ended)
        return [row.take(name, text, read, EPOCH) for text in texts if text]

    def read(text: str) -> datetime:
        return read_instant(text, options.zone)

    starts, ends = instants("startedAt"), instants("finishedAt")
    return (min(starts), max(ends)) if starts and ends else None


def _ended(pod: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return how each container ended, as far as it has, and how each that counts for the state."""
    last: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    for status in objects_at(pod, "status", "containerStatuses"):
        states.append(object_at(status, "state", "terminated"))
        last.append(object_at(status, "lastState", "terminated"))
    for status in objects_at(pod, "status", "initContainerStatuses"):
        last.append(object_at(status, "state", "terminated"))
        last.append(object_at(status, "lastState", "terminated"))
    return [one for one in (*states, *last) if one], states


def _state_of(pod: dict[str, Any], phase: str, states: list[dict[str, Any]]) -> str:
    reasons = (text_at(pod, "status", "reason"), *(text_at(one, "reason") for one in states))
    known = (_REASONS[reason] for reason in reasons if reason in _REASONS)
    return next(known, "COMPLETED" if phase == "Succeeded" else "FAILED")


_KIND = re.compile(r'"kind"\s{0,20}:\s{0,20}"Pod(?:List)?"')


def _looks_like_pods(head: Head) -> bool:
    return head.text.startswith(("{", "[")) and _KIND.search(head.text) is not None


ADAPTER = DocumentAdapter(
    "K8S_PODS", _("Kubernetes pod list (JSON)"), _looks_like_pods, results
)
