"""Every address, by app."""

from django.urls import include, path
from oauth2_provider.views import TokenView

from billing.urls import api_urlpatterns as billing_api
from config import views
from config.sandbox import views as sandbox
from providers.api.operations import Unknown
from providers.api.reference import api_schema
from providers.urls import api_urlpatterns as providers_api
from scoring.urls import api_urlpatterns as scoring_api
from vouchers.urls import api_urlpatterns as vouchers_api

# What programs ask for most often comes first: an address is looked for from the top.
api_urlpatterns = [
    *billing_api,
    *vouchers_api,
    *providers_api,
    *scoring_api,
    path("oauth/token", TokenView.as_view(), name="api_token"),
    path("openapi.json", api_schema, name="api_schema"),
    path("<path:rest>", Unknown.as_view(), name="api_unknown"),
]
page_urlpatterns = [
    path("", views.home, name="home"),
    path("help", views.help_page, name="help"),
    path("help/statuses", views.statuses, name="statuses"),
    path("help/accessibility", views.accessibility, name="accessibility"),
    path("demo/sign-in", views.demo_sign_in, name="demo_sign_in"),
    path("provider/sandbox/", sandbox.sandbox, name="sandbox"),
    path("sandbox/enter", sandbox.sandbox_enter, name="sandbox_enter"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("account/", include("allauth.urls")),
    path("", include("parties.urls")),
    path("", include("providers.urls")),
    path("", include("vouchers.urls")),
    path("", include("billing.urls")),
    path("", include("scoring.urls")),
    path("", include("notices.urls")),
]
urlpatterns = [path("api/v1/", include(api_urlpatterns)), *page_urlpatterns]
handler400 = "config.views.bad_request"
