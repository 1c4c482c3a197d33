"""The only bridge between an instant in UTC and a day in a programme's time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Days that people may ask for; further off, no calendar of ours has an end to a day.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 1, 1)


def day_of(at: datetime, zone: str = "UTC") -> date:
    """Return the day on which an instant falls in a time zone."""
    return at.astimezone(ZoneInfo(zone)).date()


def start_of(day: date, zone: str = "UTC") -> datetime:
    """Return the first instant of a day in a time zone, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def end_of(day: date, zone: str = "UTC") -> datetime:
    """Return the first instant after a day in a time zone, in UTC."""
    return start_of(day + timedelta(days=1), zone)
