"""The product's worker and timetable, with every sweep five times as often.

Letters are left out: the clients do hundreds of acts a second that no organisation stands behind,
and looking for whom to tell of them would keep the worker from what is due.
"""

from config.celery import app

FASTER = 5
LEFT_OUT = {"send letters"}

app.conf.beat_schedule = {
    name: {**entry, "schedule": entry["schedule"] / FASTER}
    for name, entry in app.conf.beat_schedule.items()
    if name not in LEFT_OUT
}
