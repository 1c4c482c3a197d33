"""The app's registration."""

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """See the package's own paragraph."""

    name = "providers"
