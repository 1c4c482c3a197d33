"""The site: settings, addresses, the timetable of sweeps, and how the parts are started."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
