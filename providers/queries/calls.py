"""What a provider's programs asked."""

from uuid import UUID

from django.db.models import Q, QuerySet

from providers.models import ApiCall, Provider

OUTCOMES = {
    "done": Q(status__lt=400),
    "refused": Q(status__gte=400, status__lt=500),
    "failed": Q(status__gte=500),
}


def api_calls_of(
    provider: Provider, *, outcome: str = "", words: str = ""
) -> QuerySet[ApiCall]:
    """Return the requests of a provider's programs, newest first.

    :param outcome: a key of OUTCOMES; others say nothing.
    :param words: of the path or the code, or the number of a request.
    """
    found = ApiCall.objects.filter(OUTCOMES.get(outcome, Q()), provider=provider)
    if words:
        wanted = Q(path__icontains=words) | Q(code__icontains=words)
        number = _number(words)
        found = found.filter(wanted | Q(request_id=number) if number else wanted)
    return found.select_related("api_key").order_by("-at", "-pk")


def _number(words: str) -> UUID | None:
    try:
        return UUID(words.removeprefix("urn:uuid:"))
    except ValueError:
        return None
