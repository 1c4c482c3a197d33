"""PostgreSQL and Valkey from wheels: nothing is installed, and no network port is opened.

Where `DATABASE_URL` and `BROKER_URL` are set nothing here is used; decision 0001 says why the
wheels' own ways of starting are not.
"""

from config.embedded.places import EmbeddedServerError, dying_with_parent
from config.embedded.postgres import (
    ensure_postgres,
    lend_postgres,
    stop_postgres,
    superuser_url,
)
from config.embedded.valkey import leave_valkey, start_valkey, valkey, valkey_url

__all__ = [
    "EmbeddedServerError",
    "dying_with_parent",
    "ensure_postgres",
    "leave_valkey",
    "lend_postgres",
    "start_valkey",
    "stop_postgres",
    "superuser_url",
    "valkey",
    "valkey_url",
]
