"""Lists that are looked over row by row first, and entered in a second step: prices, nodes."""

from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.translation import gettext as _

from common.forms import KeyedForm

Form = TypeVar("Form", bound=KeyedForm)
# What the form of the second step says that it is.
ENTER = "enter"


def form_of_step(
    request: HttpRequest,
    look: type[Form],
    enter: type[Form],
    initial: dict[str, Any],
) -> tuple[Form, bool]:
    """Return the form of the step that a request takes, and whether that is the second one."""
    is_sent = request.method == "POST"
    is_second = is_sent and request.POST.get("step") == ENTER
    made = enter if is_second else look
    data, files = (request.POST, request.FILES) if is_sent else (None, None)
    return made(data, files, initial=initial), is_second


def bad_columns() -> list[Any]:
    """Return the columns of a table of what is wrong with rows."""
    return [
        {"label": _("Row"), "numeric": True},
        _("Column"),
        _("What stands there"),
        _("What to do"),
    ]
