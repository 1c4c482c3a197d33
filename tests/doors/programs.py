"""A provider's programs: what they send with which key, and the shape of a refusal."""

from datetime import UTC, datetime

from django.test import Client

from providers import actions as providers
from tests.cast import a_key

JULY = datetime(2025, 7, 2, tzinfo=UTC)
PROBLEM = {"type", "title", "status", "detail", "instance", "code", "values"}


class Program:
    """A provider's program with its key."""

    def __init__(self, seller, **more):
        self.api_key, self.secret = providers.create_api_key(
            provider=seller.provider,
            name="tests",
            actor=seller.person,
            at=JULY,
            key=a_key(),
            **more,
        )
        self.client = Client(headers={"Authorization": f"Bearer {self.secret}"})

    def get(self, path, **query):
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path, content, key=None, **headers):
        given = {"Idempotency-Key": key} if key else {}
        return self.client.post(
            f"/api/v1/{path}",
            content,
            content_type="application/json",
            headers={**given, **headers},
        )


def redemption(scene, **more):
    given = {
        "redemption_code": scene.voucher.redemption_code,
        "offer": scene.seller.offer.code,
        "hours": "100",
        "reference": "acct-1",
    }
    return {**given, **more}


def metered(account, key="job-1", **more):
    given = {
        "key": key,
        "account": account,
        "resource": "GPU",
        "resource_class": "H100",
        "count": "8",
        "started_at": "2025-06-10T00:00:00Z",
        "ended_at": "2025-06-11T00:00:00Z",
        "state": "COMPLETED",
    }
    return {**given, **more}
