"""The answers of an application: what its law asks, how far they are, and the answers in words."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from common.days import day_of
from common.formatting import money
from parties.models import Organisation
from parties.roles import OrganisationKind
from policy.rules import Programme as Law
from policy.rules import minor
from providers.queries import offers_published, providers_accredited
from vouchers import queries
from vouchers.forms.applications import TASKS, AnswerForm, Catalogue, posted_of
from vouchers.models import Application
from vouchers.views.shown import day_words


def law_of(application: Application, at: datetime) -> Law:
    """Return the law under which an application stands at an instant."""
    programme = application.round.programme
    return queries.policy_in_force(programme, day_of(at, programme.zone))[1]


def catalogue_for(application: Application) -> Catalogue:
    """Return the classes on offer, and the class of vouchers in kind, with the providers."""
    unit = application.round.programme.unit
    own = {unit.removeprefix("GPU:")} if unit.startswith("GPU:") else set()
    offered = set(
        offers_published(at=timezone.now(), resource="GPU").values_list(
            "resource_class", flat=True
        )
    )
    providers = tuple(
        (one.organisation.code, one.organisation.name_here)
        for one in providers_accredited(timezone.now())
    )
    return Catalogue(tuple(sorted(own or offered or {"H100", "A100"})), providers)


def state_of(
    application: Application, made: type[AnswerForm], law: Law, catalogue: Catalogue
) -> str:
    """Return how far a task is: a key of `statuses.TASK`."""
    posted = posted_of(application.answers, made)
    if not posted:
        return "INCOMPLETE"
    is_valid = made(posted, law=law, catalogue=catalogue).is_valid()
    return "COMPLETED" if is_valid else "IN_PROGRESS"


def organisation_rows(organisation: Organisation) -> list[dict[str, Any]]:
    """Return what a register tells of an organisation, in rows of facts."""
    return [
        {"key": _("Name"), "value": organisation.name_here},
        {"key": _("Registered number"), "value": organisation.identifier},
        {"key": _("Kind"), "value": OrganisationKind(organisation.kind).label},
        {"key": _("Where registered"), "value": queries.region_of(organisation)},
        {"key": _("Employees"), "value": organisation.employees},
    ]


def answers_shown(
    application: Application, law: Law, catalogue: Catalogue, *, is_open: bool = False
) -> list[dict[str, Any]]:
    """Return the answers task by task, each in words, with the way to change it while open."""
    sections = []
    for made in TASKS:
        form = made(law=law, catalogue=catalogue)
        url = reverse("application_question", args=[application.reference, made.task])
        rows = [
            {
                "key": field.label,
                "value": _in_words(field.field, application.answers.get(name, ""), law),
                **({"url": f"{url}?from=check"} if is_open else {}),
            }
            for name, field in ((one.name, one) for one in form)
        ]
        sections.append({"title": made.title, "rows": rows})
    return sections


def _in_words(field: forms.Field, answer: Any, law: Law) -> Any:
    if isinstance(answer, bool):
        return _("Yes") if answer else _("No")
    if answer in ("", None):
        return ""
    if isinstance(field, forms.ChoiceField):
        known = dict(field.choices)  # type: ignore[arg-type]
        return known.get(answer, answer)
    if isinstance(field, forms.DateField):
        return _day_or_text(field, answer)
    if isinstance(field, forms.DecimalField):
        return _figure_or_text(field, answer, law)
    return answer


def _day_or_text(field: forms.DateField, answer: str) -> str:
    try:
        on = field.to_python(answer)
    except forms.ValidationError:
        return answer
    return day_words(on) if on else answer


def _figure_or_text(field: forms.DecimalField, answer: str, law: Law) -> str:
    try:
        figure = Decimal(answer)
    except InvalidOperation:
        return answer
    if "prefix" in field.widget.attrs:
        return money(minor(figure, law.unit), law.unit)
    return f"{figure:,f}"
