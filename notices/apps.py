"""The app's registration."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """See the package's own paragraph."""

    name = "notices"
