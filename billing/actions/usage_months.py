"""Keep a partition ready for each month of usage lines to come."""

from datetime import datetime, timedelta

from django.db import connection, transaction

# Usage is metered after it happened; months ahead are for a sweep that did not run for long.
AHEAD = timedelta(days=366)


@transaction.atomic
def keep_usage_months(*, at: datetime) -> int:
    """Make the partitions of all months until a year after an instant; return how many.

    It waits two seconds at most for whoever writes usage lines at the moment; then nothing was
    made, and the next sweep tries again. Until then such lines lie in the last partition, and
    move when theirs is made.

    :raises OperationalError: if somebody wrote lines for all that time.
    """
    with connection.cursor() as cursor:
        cursor.execute("set local lock_timeout = '2s'")
        cursor.execute("select billing_keep_usage_months(%s)", [(at + AHEAD).date()])
        return int(cursor.fetchone()[0])
