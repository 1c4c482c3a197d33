"""Letters to people about what they may do for an organisation."""

from django.urls import reverse
from django.utils.translation import gettext as _

from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs
from parties.models import Membership


def colleague_invited(deed: Deed) -> Letters:
    """Tell a colleague for whom they may act now, and how they sign in for the first time."""
    found = Membership.objects.filter(act_id=deed.id).select_related("user", "organisation")
    for one in found:
        is_new = not one.user.has_usable_password()

        def words(one: Membership = one, is_new: bool = is_new) -> Words:
            values = {"organisation": one.organisation.name_here, "email": one.user.email}
            return Words(
                _("You may act for %(organisation)s now") % values,
                paragraphs(
                    _("A colleague added you. You see its applications, vouchers or bills."),
                    _("Choose a password first: ask for one with your address %(email)s.")
                    % values
                    if is_new
                    else "",
                ),
            )

        path = reverse("account_reset_password") if is_new else reverse("organisation")
        yield Letter((one.user,), path, words)
