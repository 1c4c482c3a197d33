"""The addresses of a person's letters, and of a provider's events."""

from django.urls import path

from notices import views

urlpatterns = [
    path("messages/", views.inbox, name="inbox"),
    path("messages/<int:pk>/", views.message, name="message"),
    path("provider/webhooks/<int:pk>/events/", views.webhook_events, name="webhook_events"),
    path(
        "provider/webhooks/<int:pk>/events/<str:number>/",
        views.webhook_event,
        name="webhook_event",
    ),
]
