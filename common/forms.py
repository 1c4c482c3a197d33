"""What every page with a form does: once only, refusals in words, answers kept in any language."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.forms.utils import ErrorDict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common.errors import NotFound, Refused


class KeyedForm(forms.Form):
    """A form that is done at most once, however often it is sent: the key is made with it."""

    key = forms.UUIDField(
        initial=uuid4,
        widget=forms.HiddenInput,
        error_messages={
            "required": _("This page has lost its key. Open it again and send it once more."),
            "invalid": _("This page has lost its key. Open it again and send it once more."),
        },
    )

    @property
    def act_key(self) -> str:
        """Return what makes the action of this form happen once."""
        return f"web:{self.cleaned_data['key']}"


def answer_form(
    request: HttpRequest,
    form: forms.Form,
    template: str,
    act: Callable[[], HttpResponse],
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Show a form or, once it is sent and in order, do what it asks.

    What an action refuses is shown above the form, with everything that was typed still there.
    Pressing the language switch shows the same form in the other language and does nothing.

    :param act: makes the one call and answers with a redirect.
    """
    code = language_pressed(request)
    if code is None and request.method == "POST" and form.is_valid():
        try:
            return act()
        except NotFound:
            raise
        except Refused as refusal:
            form.add_error(None, words_of(refusal))
    if code is not None:
        forget_errors(form)
    response = render(request, template, {"form": form, **(context or {})})
    return remember_language(response, code)


def words_of(refusal: Refused) -> str:
    """Return a refusal in the words of a person at a browser, who knows of no keys."""
    if refusal.code == "key_reused":
        return gettext(
            "This page was sent before with other answers, and that was done. Nothing was done "
            "now. To do it once more, open the page again."
        )
    return str(refusal)


def language_pressed(request: HttpRequest) -> str | None:
    """Return the language whose button in the form was pressed, and speak it from here on."""
    code = request.POST.get("set_language", "")
    if code not in dict(settings.LANGUAGES):
        return None
    translation.activate(code)
    request.LANGUAGE_CODE = code
    return code


def remember_language(response: HttpResponse, code: str | None) -> HttpResponse:
    """Keep the language that was pressed for the pages to come."""
    if code is not None:
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, code, samesite="Lax")
    return response


def forget_errors(form: forms.BaseForm) -> None:
    """Show what was typed so far without saying what is wrong with it."""
    form._errors = ErrorDict(renderer=form.renderer)  # type: ignore[attr-defined]
