"""The app's registration."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """See the package's own paragraph."""

    name = "billing"
