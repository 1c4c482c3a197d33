"""Who is asking."""

from django.http import HttpRequest

from parties.models import User


def signed_in(request: HttpRequest) -> User:
    """Return the person of a page that only people signed in may see.

    :raises TypeError: if nobody is signed in; the page lacks `login_required`.
    """
    if not isinstance(request.user, User):
        raise TypeError("this page lacks login_required")
    return request.user
