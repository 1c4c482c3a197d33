"""A holder asks about a line of use, and the provider answers."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from common.errors import NotFound
from common.formatting import gpu_hours
from common.forms import answer_form
from parties.authentication import signed_in
from vouchers import actions, queries
from vouchers.forms.orders import AnswerForm, QuestionForm
from vouchers.queries import UsedLine
from vouchers.views.order_acts import order_for

LINES_TO_ASK_ABOUT = 500


def line_words(line: UsedLine) -> str:
    """Write a line of use in one row: its name, its hours, and when it began."""
    began = f"{line.started_at:%Y-%m-%d %H:%M}"
    return f"{line.source}/{line.key}, {gpu_hours(line.quantity_ms)}, {began} UTC"


@login_required
@require_http_methods(["GET", "POST"])
def use_question_new(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the provider about a line of use of an order."""
    person = signed_in(request)
    found = order_for(person, code, holder=True)
    lines = {
        f"{one.source}/{one.key}": one for one in queries.lines_used(found, LINES_TO_ASK_ABOUT)
    }
    form = QuestionForm(
        request.POST if request.method == "POST" else None,
        lines=[(name, line_words(one)) for name, one in lines.items()],
        initial={"line": request.GET.get("line", "")},
    )

    def ask() -> HttpResponse:
        line = lines[form.cleaned_data["line"]]
        actions.ask_about_use(
            order=found,
            source=line.source,
            name=line.key,
            text=form.cleaned_data["text"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(
            request, _("Your question is sent. You get a letter when it is answered.")
        )
        return redirect("order", code)

    context = {
        "title": _("Ask about a line of use"),
        "caption": code,
        "back": reverse("order", args=[code]),
        "submit": _("Send the question"),
        "intro": _(
            "The provider answers you. To keep a line from being paid, object to it on its bill."
        ),
    }
    return answer_form(request, form, "form_page.html", ask, context)


@login_required
@require_http_methods(["GET", "POST"])
def use_question_answer(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Answer a holder's question about a line of use."""
    person = signed_in(request)
    found = order_for(person, code, provider=True)
    question = queries.questions_of(found).filter(pk=pk).first()
    if question is None:
        raise NotFound(what=str(pk))
    form = AnswerForm(request.POST if request.method == "POST" else None)

    def answer() -> HttpResponse:
        actions.answer_about_use(
            question=question,
            text=form.cleaned_data["text"],
            actor=person,
            at=timezone.now(),
            key=form.act_key,
        )
        messages.success(request, _("Your answer is sent."))
        return redirect("order", code)

    context = {
        "title": _("Answer the question"),
        "caption": f"{code}, {question.line}",
        "back": reverse("order", args=[code]),
        "submit": _("Send the answer"),
        "rows": [
            {"key": _("Asked by"), "value": found.voucher.organisation.name_here},
            {"key": _("Question"), "value": question.text},
        ],
    }
    return answer_form(request, form, "form_page.html", answer, context)
