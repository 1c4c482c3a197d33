"""Every address, by app. (temporary: includes what exists)"""

from importlib import import_module

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("account/", include("allauth.urls")),
    path("api/v1/openapi.json", SpectacularJSONAPIView.as_view(), name="api_schema"),
]
for app in ("parties", "providers", "vouchers", "billing", "scoring", "notices"):
    try:
        module = import_module(f"{app}.urls")
    except ImportError:
        continue
    urlpatterns.append(path("", include(f"{app}.urls")))
    if hasattr(module, "api_urlpatterns"):
        urlpatterns.append(path("api/v1/", include(module.api_urlpatterns)))
try:
    from config import views

    urlpatterns += [
        path("", views.home, name="home"),
        path("help", views.help_page, name="help"),
        path("help/statuses", views.statuses, name="statuses"),
        path("help/accessibility", views.accessibility, name="accessibility"),
        path("demo/sign-in", views.demo_sign_in, name="demo_sign_in"),
    ]
except ImportError:
    urlpatterns.append(path("", SpectacularJSONAPIView.as_view(), name="home"))
