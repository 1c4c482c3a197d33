"""The addresses of organisations and people."""

from django.urls import path

from parties.views import bank_details, colleagues, organisations, people, profile

urlpatterns = [
    path("organisation/", organisations.organisation, name="organisation"),
    path(
        "organisation/<str:code>/colleagues/new/",
        colleagues.colleague_invite,
        name="colleague_invite",
    ),
    path(
        "organisation/<str:code>/colleagues/<int:number>/remove/",
        colleagues.colleague_remove,
        name="colleague_remove",
    ),
    path(
        "organisation/<str:code>/bank-details/new/",
        bank_details.bank_detail_new,
        name="bank_detail_new",
    ),
    path(
        "bank-details/<int:pk>/approve/",
        bank_details.bank_detail_approve,
        name="bank_detail_approve",
    ),
    path("bank-details/<int:pk>/stop/", bank_details.bank_detail_stop, name="bank_detail_stop"),
    path("people/", people.people, name="people"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/join/", people.accounts_join, name="accounts_join"),
    path("people/<int:pk>/part/", people.accounts_part, name="accounts_part"),
    path("profile/", profile.profile, name="profile"),
]
