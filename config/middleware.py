"""What surrounds every request: its language, and a refusal turned into words on a page."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import translation

from common.errors import NotFound, Refused
from providers.api.problems import problem_page

Answer = Callable[[HttpRequest], HttpResponseBase]
API = "/api/"
KNOWN = {code for code, _name in settings.LANGUAGES}


def language(answer: Answer) -> Answer:
    """Speak the language that was chosen here before, else the browser's, else English."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if chosen not in KNOWN:
            chosen = translation.get_language_from_request(request)
        translation.activate(chosen)
        request.LANGUAGE_CODE = translation.get_language() or "en"
        response = answer(request)
        response.headers.setdefault("Content-Language", translation.get_language() or "en")
        return response

    return middleware


def no_null_characters(answer: Answer) -> Answer:
    """Turn away what no text of ours can hold, before a database is asked about it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        is_in_query = "%00" in request.META.get("QUERY_STRING", "")
        if "\0" in request.path or is_in_query:
            if request.path.startswith(API):
                return problem_page(request, "input_invalid" if is_in_query else "not_found")
            return render(request, "404.html", status=404)
        return answer(request)

    return middleware


class refusals:  # noqa: N801 - it is named as a setting reads
    """Show a refused action on the page that asked, or on a page of its own."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on."""
        return self.answer(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponse | None:
        """Answer 404 for what a person may not see, else 409 with the reason in words."""
        if isinstance(exception, NotFound):
            return render(request, "404.html", status=404)
        if not isinstance(exception, Refused):
            return None
        context = {"reason": exception, "back": request.META.get("HTTP_REFERER", "")}
        return render(request, "refused.html", context, status=409)
