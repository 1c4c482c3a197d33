"""Letters about proof that a holder paid its own share of a claim."""

from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import Bill, OwnShareDecision
from billing.queries import claimed_voucher, own_share_of
from common.formatting import money
from notices.letters.letter import Deed, Letter, Letters, Words, paragraphs, people_of
from parties.roles import Role


def own_share_wanted(bill: Bill) -> Letters:
    """Ask the holder of a claim to prove its own share, where the law asks for that."""
    voucher, own = claimed_voucher(bill), own_share_of(bill, bill.sent_at)
    if voucher is None or own is None or own.is_proven:
        return

    def words() -> Words:
        values = {"bill": bill.number, "own": money(own.due, bill.unit)}
        return Words(
            _("Action needed: prove your own share of claim %(bill)s") % values,
            paragraphs(
                _("Its law pays nothing before it is proven that you paid %(own)s yourself.")
                % values,
                _("Give the bank's document of each payment on the claim's page."),
            ),
        )

    path = reverse("own_share_new", args=[bill.number])
    # Beside the letter that the claim is here, or is to be confirmed.
    yield Letter(people_of(voucher.organisation, Role.APPLICANT), path, words, "own_share")


def own_share_decided(deed: Deed) -> Letters:
    """Tell the holder whether its proof counts, and why."""
    for one in OwnShareDecision.objects.filter(act_id=deed.id).select_related("proof__bill"):
        bill = one.proof.bill
        voucher = claimed_voucher(bill)
        assert voucher is not None, "a proof is of a claim"

        def words(one: OwnShareDecision = one, bill: Bill = bill) -> Words:
            values = {
                "bill": bill.number,
                "amount": money(one.proof.amount, bill.unit),
                "note": one.note,
            }
            if one.is_proof:
                return Words(
                    _("Your proof for claim %(bill)s is accepted") % values,
                    _("%(amount)s of your own share are proven by it: %(note)s") % values,
                )
            return Words(
                _("Action needed: your proof for claim %(bill)s is not accepted") % values,
                paragraphs(
                    _("The payment of %(amount)s does not count: %(note)s") % values,
                    _("You can give another proof on the claim's page."),
                ),
            )

        path = reverse("bill", args=[bill.number])
        yield Letter(people_of(voucher.organisation, Role.APPLICANT), path, words)
