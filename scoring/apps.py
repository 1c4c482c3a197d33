"""The app's registration."""

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    """See the package's own paragraph."""

    name = "scoring"
