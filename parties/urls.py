"""The addresses of organisations and people."""

from django.urls import path

from parties import views

urlpatterns = [
    path("organisation/", views.organisation, name="organisation"),
    path(
        "organisation/<str:code>/colleagues/new/",
        views.colleague_invite,
        name="colleague_invite",
    ),
    path(
        "organisation/<str:code>/colleagues/<int:number>/remove/",
        views.colleague_remove,
        name="colleague_remove",
    ),
    path(
        "organisation/<str:code>/bank-details/new/",
        views.bank_detail_new,
        name="bank_detail_new",
    ),
    path(
        "bank-details/<int:pk>/approve/", views.bank_detail_approve, name="bank_detail_approve"
    ),
    path("bank-details/<int:pk>/stop/", views.bank_detail_stop, name="bank_detail_stop"),
    path("people/", views.people, name="people"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/join/", views.accounts_join, name="accounts_join"),
    path("people/<int:pk>/part/", views.accounts_part, name="accounts_part"),
    path("profile/", views.profile, name="profile"),
]
