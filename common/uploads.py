"""The field of a form that takes a file to keep."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.files import FILE_BYTES_MAX, TAKEN, CheckedFile, checked_file
from common.forms import words_of

FILE_HINT = _("PDF, PNG, JPEG, TXT or CSV, up to 10 MB")


class AttachmentField(forms.FileField):
    """A file that may be kept; cleaned to a `CheckedFile`."""

    def __init__(self, **more: Any) -> None:
        more.setdefault("widget", forms.FileInput({"accept": _accepted()}))
        super().__init__(max_length=250, allow_empty_file=True, **more)

    def clean(self, data: Any, initial: Any = None) -> CheckedFile | None:
        """Return the file, looked at and scanned."""
        file = super().clean(data, initial)
        if not isinstance(file, UploadedFile):
            return None
        if file.size and file.size > FILE_BYTES_MAX:
            # Not read into memory first: only its beginning is shown to the check that refuses it.
            words = _("The file “%(name)s” has %(size)s. Send %(most)s or less.")
            sizes = {"size": filesizeformat(file.size), "most": filesizeformat(FILE_BYTES_MAX)}
            raise forms.ValidationError(words % {"name": file.name, **sizes})
        try:
            return checked_file(file.name or "", file.read())
        except Refused as refusal:
            raise forms.ValidationError(words_of(refusal)) from refusal


def _accepted() -> str:
    return ",".join(f".{kind.strip().lower()}" for kind in TAKEN.split(",")) + ",.jpg"
