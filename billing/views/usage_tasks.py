"""A large file that the worker reads: how far it has come, and what came of it."""

from collections.abc import Sequence

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from billing import queries
from billing.models import FileTask, KeptFile, UsageFile
from common.formatting import instant
from parties.authentication import signed_in

SECONDS_BETWEEN_LOOKS = 3


def is_large(file: KeptFile) -> bool:
    """Say whether a file is read by the worker, as nobody would wait for the answer."""
    return bool(file.size > settings.USAGE_FILE_NOW_BYTES_MAX)


def sent_answer(
    request: HttpRequest, file: UsageFile | None, bills: Sequence[str]
) -> HttpResponse:
    """Lead to what was sent: the one bill, or else the file, with a word about each bill."""
    for number in bills:
        messages.success(
            request,
            _("We have bill %(number)s. You see here what becomes of each line.")
            % {"number": number},
        )
    if len(bills) == 1:
        return redirect("bill", bills[0])
    return redirect("usage_file", file.pk) if file else redirect("usage")


@login_required
@require_GET
def usage_task(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far the reading of a large file has come, and lead to its result at the end."""
    task = queries.file_task_of(signed_in(request), pk)
    if task.status == FileTask.Status.DONE:
        if task.check_made_id:
            return redirect("usage_check", task.check_made_id)
        return sent_answer(request, task.usage_file, task.bills)
    is_waiting = task.status == FileTask.Status.WAITING
    context = {
        "name": task.file.name,
        "is_waiting": is_waiting,
        "is_sending": task.kind == FileTask.Kind.SEND,
        "rows_read": task.rows_read,
        "asked_at": instant(task.asked_at),
        "looked_at": instant(timezone.now()),
        "refusal": (task.refusal or {}).get(get_language() or "en", ""),
    }
    answer = render(request, "billing/usage_task.html", context)
    if is_waiting:
        answer["Refresh"] = str(SECONDS_BETWEEN_LOOKS)
    return answer
