"""The worker and the timetable of sweeps: one dict, read from top to bottom."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from common.processes import keep_what_is_loaded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("tessera")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def _begin_process(**_told: Any) -> None:
    """Make ready a process that does tasks."""
    keep_what_is_loaded()


app.conf.beat_schedule = {
    "seal the ledger": {"task": "ledger.tasks.seal_ledger", "schedule": 20.0},
    "release lapsed holds": {"task": "vouchers.tasks.release_lapsed_holds", "schedule": 15.0},
    "release suspended holds": {
        "task": "vouchers.tasks.release_suspended_holds",
        "schedule": 30.0,
    },
    "follow awards": {"task": "vouchers.tasks.follow_upstream_awards", "schedule": 120.0},
    "expire vouchers": {"task": "vouchers.tasks.expire_due_vouchers", "schedule": 60.0},
    "issue automatic awards": {
        "task": "vouchers.tasks.issue_automatic_awards",
        "schedule": 10.0,
    },
    "award waiting lists": {"task": "vouchers.tasks.award_waiting_lists", "schedule": 60.0},
    "forget old requests": {
        "task": "providers.tasks.forget_old_requests",
        "schedule": 3600.0,
    },
    "settle bills": {"task": "billing.tasks.settle_submitted_bills", "schedule": 10.0},
    "decide silent lines": {"task": "billing.tasks.decide_silent_lines", "schedule": 60.0},
    "write payment files": {"task": "billing.tasks.do_batch_jobs", "schedule": 2.0},
    "read large files": {"task": "billing.tasks.do_file_tasks", "schedule": 2.0},
    "keep usage months": {"task": "billing.tasks.keep_usage_months", "schedule": 3600.0},
    "archive usage": {"task": "billing.tasks.archive_usage", "schedule": 86_400.0},
    "score vouchers": {"task": "scoring.tasks.score_due_vouchers", "schedule": 60.0},
    "deliver events": {"task": "notices.tasks.deliver_due_events", "schedule": 5.0},
    "send letters": {"task": "notices.tasks.send_due_letters", "schedule": 10.0},
}
