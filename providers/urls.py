"""The addresses of a provider's own pages."""

from django.urls import path

from providers.api import offers as offers_api
from providers.api import reference
from providers.views import (
    accreditation,
    agreements,
    calls,
    capacity,
    catalogue,
    desk,
    home,
    keys,
    price_lists,
    webhooks,
)

urlpatterns = [
    path("provider/", home.provider_home, name="provider_home"),
    path("provider/accreditation/", accreditation.accreditation, name="accreditation"),
    path(
        "provider/accreditation/apply/",
        accreditation.accreditation_apply,
        name="accreditation_apply",
    ),
    path("provider/capacity/", capacity.capacity, name="capacity"),
    path("provider/capacity.csv", capacity.capacity_csv, name="capacity_csv"),
    path("provider/capacity-sample.csv", capacity.capacity_sample, name="capacity_sample"),
    path("provider/capacity/new/", capacity.capacity_new, name="capacity_new"),
    path("provider/capacity/list/", capacity.capacity_upload, name="capacity_upload"),
    path("provider/offers/", catalogue.offers, name="offers"),
    path("provider/offers/new/", catalogue.offer_new, name="offer_new"),
    path("provider/price-list/", price_lists.price_list, name="price_list"),
    path("provider/price-list-sample.csv", price_lists.prices_sample, name="prices_sample"),
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
    path("provider/api-keys/<int:pk>/roll/", keys.api_key_roll, name="api_key_roll"),
    path("provider/api-keys/<int:pk>/networks/", keys.api_key_limit, name="api_key_limit"),
    path("provider/api-keys/<int:pk>/revoke/", keys.api_key_revoke, name="api_key_revoke"),
    path("provider/requests/", calls.api_calls, name="api_calls"),
    path("provider/requests.csv", calls.api_calls_csv, name="api_calls_csv"),
    path("provider/webhooks/", webhooks.webhooks, name="webhooks"),
    path("provider/webhooks/<int:pk>/roll/", webhooks.webhook_roll, name="webhook_roll"),
    path("provider/webhooks/<int:pk>/enable/", webhooks.webhook_enable, name="webhook_enable"),
    path("provider/webhooks/<int:pk>/remove/", webhooks.webhook_remove, name="webhook_remove"),
    path("agreements/", agreements.agreements, name="agreements"),
    path("agreements/new/", agreements.agreement_new, name="agreement_new"),
    path("agreements/<int:pk>/", agreements.agreement, name="agreement"),
    path("providers/", accreditation.accredited, name="accredited"),
    path("providers/capacity/", capacity.capacity_public, name="capacity_public"),
    path("providers.csv", accreditation.accredited_csv, name="accredited_csv"),
    path("accreditation/", desk.providers_desk, name="providers_desk"),
    path("accreditation/<str:code>/", desk.accreditation_decide, name="accreditation_decide"),
    path(
        "accreditation/<str:code>/documents/<int:pk>/",
        accreditation.accreditation_document,
        name="accreditation_document",
    ),
    path("accreditation/providers/<str:code>/", desk.provider_case, name="provider_case"),
    path(
        "accreditation/providers/<str:code>/suspend/",
        desk.provider_suspend,
        name="provider_suspend",
    ),
    path(
        "accreditation/providers/<str:code>/lift/",
        desk.suspension_lift,
        name="suspension_lift",
    ),
    path("developers/", reference.api_docs, name="api_docs"),
    path("developers/errors/", reference.api_errors, name="api_errors"),
]

api_urlpatterns = [
    path("offers", offers_api.Offers.as_view(), name="api_offers"),
]
