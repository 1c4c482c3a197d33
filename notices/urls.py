"""The addresses of a person's letters."""

from django.urls import path

from notices import views

urlpatterns = [
    path("messages/", views.inbox, name="inbox"),
    path("messages/<int:pk>/", views.message, name="message"),
]
