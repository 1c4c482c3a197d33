"""The addresses of reports, outcomes and standings."""

from django.urls import path

from scoring.api import Traces
from scoring.views import reports, trace

urlpatterns = [
    path("report/", reports.report, name="report"),
    path("report/figures.csv", reports.report_csv, name="report_csv"),
    path(
        "report/definitions/<slug:code>/", reports.report_definition, name="report_definition"
    ),
    path("vouchers/<str:code>/outcomes/new/", reports.outcome_new, name="outcome_new"),
    path("trace/", trace.trace_search, name="trace_search"),
    path("trace/<slug:kind>/<path:name>/chain.csv", trace.trace_csv, name="trace_csv"),
    path("trace/<slug:kind>/<path:name>/chain.json", trace.trace_json, name="trace_json"),
    path("trace/<slug:kind>/<path:name>/", trace.trace, name="trace"),
    path("standing/", reports.standing, name="standing"),
]

api_urlpatterns = [
    path("trace/<slug:kind>/<path:name>", Traces.as_view(), name="api_trace"),
]
