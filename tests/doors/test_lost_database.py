"""Where the database goes away under a page, the person is told that it was us."""

import psycopg
import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import connection
from django.test import RequestFactory

from config.roles import libpq_url
from config.views import bad_request


def interrupted(cause: Exception | None) -> SessionInterrupted:
    """Raise and return what Django makes of a session that could not be kept."""
    try:
        raise SessionInterrupted("The session was deleted.") from cause
    except SessionInterrupted as exception:
        return exception


def test_a_session_that_the_database_could_not_keep_is_our_failure(committed_db):
    session = SessionStore()
    session.create()
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(libpq_url(committed_db.superuser_url), autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", [pid])
    with pytest.raises(UpdateError) as found:
        session.save()
    connection.close()

    answer = bad_request(RequestFactory().get("/bills/"), interrupted(found.value))

    assert answer.status_code == 503
    assert b"nothing was half done" in answer.content


def test_a_session_that_was_ended_elsewhere_is_a_bad_request():
    answer = bad_request(RequestFactory().get("/bills/"), interrupted(None))
    assert answer.status_code == 400
