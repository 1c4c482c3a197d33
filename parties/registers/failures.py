"""Why a register gave no answer that can be used."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from parties.kinds import Register

_SHOWN_MOST = 60


class RegisterFailed(Refused):
    """A register that is connected gave nothing that can be used."""


class RegisterDown(RegisterFailed):
    """The register could not be reached, or did not answer in time."""

    code = "register_down"
    sentence = _("%(register)s: no answer (%(reason)s). Ask again later.")

    def __init__(self, register: Register, reason: object) -> None:
        super().__init__(register=register.label, reason=reason)


class RegisterAnswerInvalid(RegisterFailed):
    """Something in a register's answer can't be taken as it stands, so none of it is kept."""

    code = "register_answer_invalid"
    sentence = _("%(register)s: %(place)s can't be read (%(value)s). %(fix)s")

    def __init__(self, register: Register, place: str, value: object, fix: object) -> None:
        super().__init__(register=register.label, place=place, value=shown(value), fix=fix)


def shown(value: Any) -> str:
    """Return a stranger's value in few printable characters."""
    try:
        text = repr(value)
    except RecursionError:
        return "…"
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}…"
