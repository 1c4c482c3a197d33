"""The addresses of reports, outcomes and standings."""

from django.urls import path

from scoring import views

urlpatterns = [
    path("report/", views.report, name="report"),
    path("report/figures.csv", views.report_csv, name="report_csv"),
    path("report/definitions/<slug:code>/", views.report_definition, name="report_definition"),
    path("vouchers/<str:code>/outcomes/new/", views.outcome_new, name="outcome_new"),
    path("standing/", views.standing, name="standing"),
]
