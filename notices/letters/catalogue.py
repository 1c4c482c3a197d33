"""Letters about what prices are measured by."""

from collections.abc import Sequence
from itertools import groupby

from django.urls import reverse
from django.utils.translation import gettext as _

from common.days import day_of
from common.formatting import day_text, rate_words
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from parties.roles import Role
from providers.models import Price, PriceCap
from providers.queries import prices_above
from providers.told import cap_owner_told, price_told


def cap_set(deed: Deed) -> Letters:
    """Tell each provider of whose offers some are above a new cap, and what follows from it."""
    for cap in PriceCap.objects.filter(act_id=deed.id).select_related("authority"):
        above, path = prices_above(cap), reverse("offers")
        for provider, found in groupby(above, key=lambda price: price.offer.provider):
            prices = list(found)

            def words(cap: PriceCap = cap, prices: Sequence[Price] = prices) -> Words:
                values = {
                    "by": cap_owner_told(cap),
                    "name": cap.resource_class,
                    "rate": rate_words(cap.rate, cap.currency),
                    "from": day_text(day_of(cap.from_at)),
                }
                body = _(
                    "From %(from)s on, %(by)s lets an hour of %(name)s cost at most %(rate)s."
                )
                offers = "\n".join(f"{one.offer}: {price_told(one)}" for one in prices)
                return Words(
                    _("A price cap on %(name)s: offers of yours are above it") % values,
                    paragraphs(
                        body % values,
                        _("The reason: %(reason)s") % {"reason": cap.reason},
                        offers,
                        _(
                            "They can’t be ordered above the cap from then on. Publish a lower "
                            "price to sell on; orders placed before keep theirs."
                        ),
                    ),
                )

            yield Letter(people_of(provider.organisation, Role.PROVIDER), path, words)
