"""The addresses of organisations and people."""

from django.urls import path

from parties import views

urlpatterns = [
    path("organisation/", views.organisation, name="organisation"),
    path(
        "organisation/<str:code>/bank-details/new/",
        views.bank_detail_new,
        name="bank_detail_new",
    ),
    path(
        "bank-details/<int:pk>/approve/", views.bank_detail_approve, name="bank_detail_approve"
    ),
    path("profile/", views.profile, name="profile"),
]
