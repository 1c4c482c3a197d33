"""Letters about where a provider's programs are told what happened."""

from django.urls import reverse
from django.utils.translation import gettext as _

from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from parties.roles import Role
from providers.models import WebhookEndpoint


def webhook_disabled(deed: Deed) -> Letters:
    """Tell a provider that an address takes no events, and is left alone until it is enabled."""
    found = WebhookEndpoint.objects.filter(pk=int(deed.details["endpoint"]))
    for endpoint in found.select_related("provider__organisation"):

        def words(endpoint: WebhookEndpoint = endpoint) -> Words:
            values = {"url": endpoint.url}
            return Words(
                _("Action needed: events are no longer sent to an address of yours"),
                paragraphs(
                    _("%(url)s has taken no event for days, or asked for no more of them.")
                    % values,
                    _(
                        "Once it works again, enable it under “Events”, and send again what it "
                        "missed: each event is kept for thirty days."
                    ),
                ),
            )

        people = people_of(endpoint.provider.organisation, Role.PROVIDER)
        yield Letter(people, reverse("webhook_events", args=[endpoint.pk]), words)
