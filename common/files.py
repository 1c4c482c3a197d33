"""Strangers' files that are kept as they came: what they are, and whether they may be kept.

Nothing here opens a file in a program of its kind: a file is looked at as bytes, kept, and given
back to be saved, never to be shown or run.
"""

import hashlib
import re
import subprocess
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from common.errors import Refused

FILE_BYTES_MAX: Final = 10 * 1024 * 1024
NAME_LENGTH_MAX: Final = 120
SCAN_SECONDS_MAX: Final = 60

# Kind, its endings, and the bytes that it begins with; a text has no such bytes.
_KINDS: Final = (
    ("application/pdf", ("pdf",), b"%PDF-"),
    ("image/png", ("png",), b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", ("jpg", "jpeg"), b"\xff\xd8\xff"),
)
_TEXT_ENDINGS: Final = ("txt", "csv")
TAKEN: Final = "PDF, PNG, JPEG, TXT, CSV"
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UNSAFE_IN_NAME = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|]')


class FileRefused(Refused):
    """A file that can't be kept as it is."""

    code = "file_refused"
    sentence = _("The file “%(name)s” can't be taken: %(problem)s %(fix)s")


class FileNotChecked(Refused):
    """The virus scanner gave no answer."""

    code = "file_not_checked"
    sentence = _(
        "The file “%(name)s” can't be checked for viruses at the moment, so it was not kept. "
        "Your answers are safe. Try again in a few minutes."
    )


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that was looked at and may be kept; made by `checked_file` alone."""

    name: str
    media_type: str
    content: bytes
    sha256: str


def checked_file(name: str, content: bytes) -> CheckedFile:
    """Return a file that may be kept, under a name that is safe on every disk.

    The kind is told by the bytes, and the name's ending has to agree. Where a scanner is set up
    (`ATTACHMENT_SCANNER`), it has the last word.

    :raises FileRefused: if it is empty, too large, locked, of a kind that is not taken, not what
        its name says, or found to carry a virus.
    :raises FileNotChecked: if the scanner can't answer.
    """
    plain = _plain_name(name)
    if not content:
        raise FileRefused(name=plain, problem=_("it is empty."), fix=_("Choose another one."))
    if len(content) > FILE_BYTES_MAX:
        raise FileRefused(
            name=plain,
            problem=_("it has %(size)s.") % {"size": filesizeformat(len(content))},
            fix=_("Send %(most)s or less: save it smaller, or in parts.")
            % {"most": filesizeformat(FILE_BYTES_MAX)},
        )
    media_type = _media_type(plain, content)
    if media_type == "application/pdf" and b"/Encrypt" in content:
        raise FileRefused(
            name=plain,
            problem=_("it is locked with a password."),
            fix=_("Save it without one."),
        )
    _scan(plain, content)
    return CheckedFile(plain, media_type, content, hashlib.sha256(content).hexdigest())


def _plain_name(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = _UNSAFE_IN_NAME.sub("_", last).strip(". ") or "file"
    stem, dot, ending = plain.rpartition(".")
    if not dot:
        return plain[:NAME_LENGTH_MAX]
    return f"{stem[: NAME_LENGTH_MAX - len(ending) - 1]}.{ending}"


def _media_type(name: str, content: bytes) -> str:
    ending = name.rpartition(".")[2].lower()
    for media_type, endings, first in _KINDS:
        if content.startswith(first):
            if ending not in endings:
                raise FileRefused(
                    name=name,
                    problem=_("it is not what its name says."),
                    fix=_("Its content is of the kind .%(ending)s; name it so.")
                    % {"ending": endings[0]},
                )
            return media_type
    if ending in _TEXT_ENDINGS and _is_text(content):
        return "text/plain"
    raise FileRefused(
        name=name,
        problem=_("this kind of file is not taken here."),
        fix=_("Save it as one of %(kinds)s.") % {"kinds": TAKEN},
    )


def _is_text(content: bytes) -> bool:
    if _CONTROL.search(content):
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def _scan(name: str, content: bytes) -> None:
    """Hand a file to the scanner's command on its standard input: 0 is clean, 1 is infected."""
    command: list[str] = settings.ATTACHMENT_SCANNER
    if not command:
        return
    try:
        answer = subprocess.run(
            command,
            input=content,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SCAN_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FileNotChecked(name=name) from error
    if answer.returncode == 1:
        raise FileRefused(
            name=name,
            problem=_("the virus scanner found something in it."),
            fix=_("Clean it, or send it as a picture."),
        )
    if answer.returncode:
        raise FileNotChecked(name=name)
