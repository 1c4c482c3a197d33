"""The addresses of a provider's own pages."""

from django.urls import path

from providers.api import offers as offers_api
from providers.api import reference
from providers.views import calls, catalogue, home, keys, webhooks

urlpatterns = [
    path("provider/", home.provider_home, name="provider_home"),
    path("provider/offers/", catalogue.offers, name="offers"),
    path("provider/offers/new/", catalogue.offer_new, name="offer_new"),
    path("provider/offers/<str:code>/", catalogue.offer_price, name="offer_price"),
    path(
        "provider/offers/<str:code>/withdraw/", catalogue.offer_withdraw, name="offer_withdraw"
    ),
    path("provider/api-keys/", keys.api_keys, name="api_keys"),
    path("provider/api-keys/<int:pk>/roll/", keys.api_key_roll, name="api_key_roll"),
    path("provider/api-keys/<int:pk>/networks/", keys.api_key_limit, name="api_key_limit"),
    path("provider/api-keys/<int:pk>/revoke/", keys.api_key_revoke, name="api_key_revoke"),
    path("provider/requests/", calls.api_calls, name="api_calls"),
    path("provider/requests.csv", calls.api_calls_csv, name="api_calls_csv"),
    path("provider/webhooks/", webhooks.webhooks, name="webhooks"),
    path("provider/webhooks/<int:pk>/roll/", webhooks.webhook_roll, name="webhook_roll"),
    path("provider/webhooks/<int:pk>/enable/", webhooks.webhook_enable, name="webhook_enable"),
    path("provider/webhooks/<int:pk>/remove/", webhooks.webhook_remove, name="webhook_remove"),
    path("developers/", reference.api_docs, name="api_docs"),
    path("developers/errors/", reference.api_errors, name="api_errors"),
]

api_urlpatterns = [
    path("offers", offers_api.Offers.as_view(), name="api_offers"),
]
