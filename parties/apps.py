"""The app's registration."""

from django.apps import AppConfig


class PartiesConfig(AppConfig):
    """See the package's own paragraph."""

    name = "parties"
