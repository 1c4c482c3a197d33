"""The addresses of a provider's own pages."""

from django.urls import path

from providers import api
from providers.views import catalogue, home, keys

urlpatterns = [
    path("provider/", home.provider_home, name="provider_home"),
    path("provider/offers/", catalogue.offers, name="offers"),
    path("provider/offers/new/", catalogue.offer_new, name="offer_new"),
    path("provider/offers/<str:code>/", catalogue.offer_price, name="offer_price"),
    path(
        "provider/offers/<str:code>/withdraw/", catalogue.offer_withdraw, name="offer_withdraw"
    ),
    path("provider/offers/<str:code>/wait/", catalogue.offer_queue, name="offer_queue"),
    path(
        "provider/offers/<str:code>/prices/<int:pk>/withdraw/",
        catalogue.price_withdraw,
        name="price_withdraw",
    ),
    path("provider/orders/", catalogue.order_acceptance, name="order_acceptance"),
    path("provider/api-keys/", keys.api_keys, name="api_keys"),
    path("provider/api-keys/<int:pk>/revoke/", keys.api_key_revoke, name="api_key_revoke"),
    path("developers/", api.api_docs, name="api_docs"),
]

api_urlpatterns = [
    path("offers", api.Offers.as_view(), name="api_offers"),
]
