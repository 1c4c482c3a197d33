"""How the status of a thing is told: to the public, to staff, and who has the ball."""

from dataclasses import dataclass

from django.utils.functional import Promise

Words = str | Promise


@dataclass(frozen=True)
class Status:
    """One row of an app's table of statuses; `waits_for` says who acts next."""

    label: Words
    staff_label: Words
    colour: str
    meaning: Words
    waits_for: Words
