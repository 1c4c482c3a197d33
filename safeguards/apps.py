"""The app's registration."""

from django.apps import AppConfig


class SafeguardsConfig(AppConfig):
    """See the package's own paragraph."""

    name = "safeguards"
