"""The addresses of rounds, applications, vouchers, orders and the catalogue."""

from django.urls import path

from vouchers import api
from vouchers.views import (
    appeals,
    applications,
    awards,
    catalogue,
    extensions,
    issuing,
    matches,
    officers,
    orders,
    parts,
    policies,
    programmes,
    queue,
    redemptions,
    requests,
    reviews,
    round_decisions,
    rounds_open,
    simulations,
    takeup,
    targets,
    vouchers,
)

urlpatterns = [
    path("apply/", rounds_open.apply, name="apply"),
    path("apply/check/", rounds_open.eligibility_check, name="eligibility_check"),
    path(
        "apply/<str:programme>/<str:code>/",
        applications.application_start,
        name="application_start",
    ),
    path("applications/<str:reference>/", applications.application, name="application"),
    path(
        "applications/<str:reference>/tasks/",
        applications.application_tasks,
        name="application_tasks",
    ),
    path(
        "applications/<str:reference>/tasks/<str:task>/",
        applications.application_question,
        name="application_question",
    ),
    path(
        "applications/<str:reference>/check/",
        applications.application_check,
        name="application_check",
    ),
    path(
        "applications/<str:reference>/sent/",
        applications.application_sent,
        name="application_sent",
    ),
    path(
        "applications/<str:reference>/withdraw/",
        applications.application_withdraw,
        name="application_withdraw",
    ),
    path(
        "applications/<str:reference>/files/",
        requests.application_attachments,
        name="application_attachments",
    ),
    path(
        "applications/<str:reference>/files/<int:number>/",
        requests.attachment,
        name="attachment",
    ),
    path(
        "applications/<str:reference>/files/<int:number>/remove/",
        requests.attachment_remove,
        name="attachment_remove",
    ),
    path("applications/<str:reference>/ask/", requests.request_new, name="request_new"),
    path(
        "applications/<str:reference>/answer/", requests.request_answer, name="request_answer"
    ),
    path("applications/<str:reference>/decide/", officers.decide, name="decide"),
    path(
        "applications/<str:reference>/registers/",
        officers.registers_ask,
        name="registers_ask",
    ),
    path("applications/<str:reference>/issue/", officers.voucher_issue, name="voucher_issue"),
    path("applications/<str:reference>/undo/", officers.decision_undo, name="decision_undo"),
    path(
        "applications/<str:reference>/assign/",
        reviews.application_assign,
        name="application_assign",
    ),
    path(
        "applications/<str:reference>/admit/",
        reviews.application_admit,
        name="application_admit",
    ),
    path(
        "applications/<str:reference>/confirm/",
        reviews.decision_confirm,
        name="decision_confirm",
    ),
    path("applications/<str:reference>/conflict/", reviews.conflict_new, name="conflict_new"),
    path("applications/<str:reference>/appeal/", appeals.appeal_new, name="appeal_new"),
    path(
        "applications/<str:reference>/appeal/verdict/",
        appeals.appeal_decide,
        name="appeal_decide",
    ),
    path("reviews/", reviews.reviews, name="reviews"),
    path("reviews/<str:reference>/", reviews.review_new, name="review_new"),
    path("awards/", awards.awards, name="awards"),
    path("queue/", queue.queue, name="queue"),
    path("queue/deputy/", queue.deputy_new, name="deputy_new"),
    path("vouchers/", vouchers.vouchers, name="vouchers"),
    path("vouchers/<str:code>/", vouchers.voucher, name="voucher"),
    path("vouchers/<str:code>/orders/new/", orders.hold_new, name="hold_new"),
    path("vouchers/<str:code>/return/", vouchers.voucher_return, name="voucher_return"),
    path("vouchers/<str:code>/code/", vouchers.voucher_code, name="voucher_code"),
    path("vouchers/<str:code>/voucher.pdf", vouchers.voucher_pdf, name="voucher_pdf"),
    path("vouchers/<str:code>/split/", parts.voucher_split, name="voucher_split"),
    path("vouchers/<str:code>/take-back/", parts.part_take_back, name="part_take_back"),
    path("vouchers/<str:code>/extend/", extensions.extension_new, name="extension_new"),
    path(
        "vouchers/<str:code>/extension/", extensions.extension_decide, name="extension_decide"
    ),
    path("vouchers/<str:code>/revoke/", vouchers.voucher_revoke, name="voucher_revoke"),
    path("vouchers/<str:code>/suspend/", vouchers.voucher_suspend, name="voucher_suspend"),
    path("vouchers/<str:code>/resume/", vouchers.voucher_resume, name="voucher_resume"),
    path("vouchers/<str:code>/assess/", targets.assessment_new, name="assessment_new"),
    path("targets/", targets.targets, name="targets"),
    path("orders/<str:code>/", orders.order, name="order"),
    path("orders/<str:code>/release/", orders.order_release, name="order_release"),
    path("redeem/", redemptions.redeem, name="redeem"),
    path("catalogue/", catalogue.catalogue, name="catalogue"),
    path("catalogue/<str:code>/", catalogue.offer, name="offer"),
    path("rounds/", programmes.rounds, name="rounds"),
    path("programmes/", programmes.programmes, name="programmes"),
    path("programmes/<str:code>/", programmes.programme, name="programme"),
    path("programmes/<str:code>/takeup/", takeup.programme_takeup, name="programme_takeup"),
    path(
        "programmes/<str:code>/takeup.csv",
        takeup.programme_takeup_csv,
        name="programme_takeup_csv",
    ),
    path("programmes/<str:code>/awards/new/", matches.awards_new, name="awards_new"),
    path("programmes/<str:code>/rounds/new/", programmes.round_new, name="round_new"),
    path(
        "programmes/<str:code>/rounds/<str:round_code>/issue/",
        issuing.vouchers_issue,
        name="vouchers_issue",
    ),
    path(
        "programmes/<str:code>/rounds/<str:round_code>/lot/",
        round_decisions.lot_commit,
        name="lot_commit",
    ),
    path(
        "programmes/<str:code>/rounds/<str:round_code>/decide/",
        round_decisions.round_decide,
        name="round_decide",
    ),
    path(
        "programmes/<str:code>/rounds/<str:round_code>/decided/",
        round_decisions.round_decided,
        name="round_decided",
    ),
    path(
        "programmes/<str:code>/rounds/<str:round_code>/decided.csv",
        round_decisions.round_decided_csv,
        name="round_decided_csv",
    ),
    path(
        "programmes/<str:code>/policy/<int:number>/simulation.csv",
        simulations.policy_simulation,
        name="policy_simulation",
    ),
    path("programmes/<str:code>/policy/new/", policies.policy_propose, name="policy_propose"),
    path(
        "programmes/<str:code>/policy/<int:number>/",
        policies.policy_release,
        name="policy_release",
    ),
]

api_urlpatterns = [
    path("vouchers/check", api.VoucherCheck.as_view(), name="api_voucher_check"),
    path("redemptions", api.Redemptions.as_view(), name="api_redemptions"),
    path("orders", api.Orders.as_view(), name="api_orders"),
    path("orders/<str:code>", api.OrderDetail.as_view(), name="api_order"),
]
