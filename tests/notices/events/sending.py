"""What is told of an order, written and sent."""

import json
from datetime import timedelta

from openapi_schema_validator import OAS31Validator, oas31_format_checker

from notices import actions
from notices.models import WebhookMessage
from providers import actions as providers
from providers.api.reference import described_api
from tests.cast import NOON, a_key

LATER = NOON + timedelta(days=1)


def add(scene, url, *, seller=None, **more):
    seller = seller or scene.seller
    return providers.add_webhook(
        provider=seller.provider, url=url, actor=seller.person, at=NOON, key=a_key(), **more
    )


def sweep(at=LATER):
    actions.write_letters(at=at)
    for message in WebhookMessage.objects.all():
        keeps_its_description(message)
    return actions.deliver_events(at=at)


def keeps_its_description(message):
    """What is sent has the shape that the API's description gives events of its type."""
    described = described_api()
    body = described["webhooks"][message.type]["post"]["requestBody"]
    shape = {
        **body["content"]["application/json"]["schema"],
        "components": described["components"],
    }
    OAS31Validator(shape, format_checker=oas31_format_checker).validate(
        json.loads(message.body)
    )
