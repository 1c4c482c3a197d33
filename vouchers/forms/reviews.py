"""What officers and reviewers type about cases: who looks at them, points, conflicts, appeals."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import KeyedForm
from common.languages import in_language
from common.widgets import DayInput
from parties.models import User
from policy.process_rules import ReviewRule
from vouchers.forms.applications import DAY_ERRORS
from vouchers.models import Assignment


class PersonField(forms.ChoiceField):
    """One of some people; cleaned to the person."""

    def __init__(self, *, people: Iterable[User], **more: Any) -> None:
        self.people = {str(one.pk): one for one in people}
        choices = [("", _("Choose a person")), *((pk, p.name) for pk, p in self.people.items())]
        super().__init__(choices=choices, **more)

    def clean(self, value: Any) -> User | None:
        """Return the person who was chosen."""
        return self.people.get(str(super().clean(value)))


class AssignForm(KeyedForm):
    """Who decides an application, or reviews it by a day."""

    task = forms.ChoiceField(
        label=_("What for?"),
        choices=[
            (Assignment.Task.DECIDE, _("To decide it")),
            (Assignment.Task.REVIEW, _("To review it")),
        ],
        widget=forms.RadioSelect,
        initial=Assignment.Task.DECIDE,
    )
    due_on = forms.DateField(
        label=_("By which day?"), required=False, widget=DayInput, error_messages=DAY_ERRORS
    )

    def __init__(self, *given: Any, people: Iterable[User], has_reviews: bool, **more: Any):
        super().__init__(*given, **more)
        self.fields["user"] = PersonField(
            people=people,
            label=_("Who?"),
            error_messages={"required": _("Choose a person")},
        )
        if not has_reviews:
            del self.fields["task"]
        self.order_fields(["user", "task", "due_on", "key"])


class DeputyForm(KeyedForm):
    """Who looks after one's cases, from when until when."""

    from_on = forms.DateField(label=_("First day"), widget=DayInput, error_messages=DAY_ERRORS)
    until_on = forms.DateField(label=_("Last day"), widget=DayInput, error_messages=DAY_ERRORS)

    def __init__(self, *given: Any, people: Iterable[User], **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["deputy"] = PersonField(
            people=people,
            label=_("Who stands in for you?"),
            error_messages={"required": _("Choose a person")},
        )
        self.order_fields(["deputy", "from_on", "until_on", "key"])

    def clean(self) -> dict[str, Any]:
        """Check that the days follow one another."""
        given = super().clean() or {}
        since, until = given.get("from_on"), given.get("until_on")
        if since and until and since > until:
            self.add_error("until_on", _("The last day must not come before the first"))
        return given


class ReviewForm(KeyedForm):
    """Points for each criterion of the law, and why."""

    comment = forms.CharField(
        label=_("Why these points?"),
        max_length=4000,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("The officers read this; the applicant does not"),
        error_messages={"required": _("Write down why you give these points")},
    )

    def __init__(self, *given: Any, rule: ReviewRule, **more: Any) -> None:
        super().__init__(*given, **more)
        self.rule = rule
        for one in rule.criteria:
            most = {"most": one.most}
            self.fields[f"points_{one.name}"] = forms.IntegerField(
                label=in_language(one.title_en, one.title_zh),
                help_text=_("0 to %(most)s points") % most,
                min_value=0,
                max_value=one.most,
                widget=forms.TextInput(
                    {"class": "govuk-input--width-3", "inputmode": "numeric"}
                ),
                error_messages={
                    "required": _("Give 0 to %(most)s points") % most,
                    "invalid": _("Give whole points, 0 to %(most)s") % most,
                    "min_value": _("Give 0 to %(most)s points") % most,
                    "max_value": _("Give 0 to %(most)s points") % most,
                },
            )
        self.order_fields([f"points_{one.name}" for one in rule.criteria])

    def points(self) -> dict[str, int]:
        """Return the points by the criterion's name."""
        return {one.name: self.cleaned_data[f"points_{one.name}"] for one in self.rule.criteria}


class ReasonForm(KeyedForm):
    """A step that others rely on, with its reason."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=1000,
        widget=forms.Textarea({"rows": 4}),
        error_messages={"required": _("Write down why, so that others can follow it later")},
    )


class AppealForm(KeyedForm):
    """What is wrong with a decision."""

    grounds = forms.CharField(
        label=_("What is wrong with the decision?"),
        max_length=4000,
        widget=forms.Textarea({"rows": 8}),
        error_messages={"required": _("Write down what is wrong with the decision")},
    )


class VerdictForm(KeyedForm):
    """What becomes of an appeal."""

    outcome = forms.ChoiceField(
        label=_("Verdict"),
        choices=[
            ("UPHELD", _("Uphold it: the decision is undone, the application is decided anew")),
            ("DISMISSED", _("Dismiss it: the decision stays")),
        ],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("Reasons"),
        max_length=4000,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("The applicant reads this"),
        error_messages={"required": _("Write down the reasons; the applicant is told them")},
    )
