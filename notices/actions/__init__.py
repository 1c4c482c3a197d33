"""People and programs are told what was done: letters, reminders, events."""

from notices.actions.events import deliver_events, forget_old_events, resend_event
from notices.actions.letters import mark_read, send_messages, write_letters, write_reminders

__all__ = [
    "deliver_events",
    "forget_old_events",
    "mark_read",
    "resend_event",
    "send_messages",
    "write_letters",
    "write_reminders",
]
