"""The portal's addresses, and one that does nothing: what an operation costs before it acts."""

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response

from config.urls import api_urlpatterns, page_urlpatterns
from providers.api import Operation
from providers.kinds import Scope


class Nothing(Operation):
    """Asks who calls, counts and notes the call as every operation does, and answers nothing."""

    schema = None
    scopes = {"POST": Scope.USAGE_WRITE}

    def post(self, request: Request) -> Response:
        """Answer with an empty object."""
        return Response({})


nothing = path("nothing", Nothing.as_view())
urlpatterns = [path("api/v1/", include([nothing, *api_urlpatterns])), *page_urlpatterns]
