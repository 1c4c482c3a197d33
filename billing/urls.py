"""The addresses of usage, bills, payments, the bank and the ledger; pages, then programs."""

from django.urls import path

from billing.api import bills as bills_api
from billing.api import claims as claims_api
from billing.api import corrections as corrections_api
from billing.api import papers as papers_api
from billing.api import provider_invoices as provider_invoices_api
from billing.api import telemetry as telemetry_api
from billing.api import usage as usage_api
from billing.views import (
    accounts,
    aged,
    attempts,
    bank,
    batch_deputies,
    batch_new,
    batch_steps,
    batches,
    bill_files,
    bill_new,
    bills,
    budgets,
    claims,
    confirming,
    focus,
    funders,
    invoices,
    ledger,
    ledger_search,
    months,
    objections,
    oddities,
    own_shares,
    payments,
    periods,
    provider_invoices,
    queues,
    recoveries,
    recovery_notice,
    recovery_steps,
    remittances,
    settlement,
    targets,
    telemetry,
    usage,
    usage_checks,
    usage_lines,
    usage_tasks,
)

urlpatterns = [
    path("programmes/<str:code>/budget/", budgets.programme_budget, name="programme_budget"),
    path(
        "programmes/<str:code>/budget.csv",
        budgets.programme_budget_csv,
        name="programme_budget_csv",
    ),
    path(
        "programmes/<str:code>/contract-commitments.csv",
        focus.programme_commitments,
        name="programme_commitments",
    ),
    path("programmes/<str:code>/funders/", funders.programme_funders, name="programme_funders"),
    path(
        "programmes/<str:code>/funders.csv",
        funders.programme_funders_csv,
        name="programme_funders_csv",
    ),
    path("programmes/<str:code>/periods/", periods.programme_periods, name="programme_periods"),
    path(
        "programmes/<str:code>/periods/<str:month>/",
        periods.programme_period,
        name="programme_period",
    ),
    path(
        "programmes/<str:code>/periods/<str:month>.csv",
        periods.programme_period_csv,
        name="programme_period_csv",
    ),
    path(
        "programmes/<str:code>/billing-periods.csv",
        focus.programme_periods_csv,
        name="programme_periods_csv",
    ),
    path("usage/", usage.usage, name="usage"),
    path("usage/months/", months.usage_months, name="usage_months"),
    path("usage/months.csv", months.usage_months_csv, name="usage_months_csv"),
    path("usage/all.csv", usage.usage_csv, name="usage_csv"),
    path("usage/new/", usage_checks.usage_upload, name="usage_upload"),
    path("usage/new/<int:pk>/columns/", usage_checks.usage_columns, name="usage_columns"),
    path("usage/checks/<int:pk>/", usage_checks.usage_check, name="usage_check"),
    path("usage/reading/<int:pk>/", usage_tasks.usage_task, name="usage_task"),
    path(
        "usage/checks/<int:pk>/to-fix.<str:kind>",
        usage_checks.check_errors,
        name="check_errors",
    ),
    *(
        path(f"usage/{file}.{kind}", view, {"kind": kind}, name=f"{name}{suffix}")
        for file, view, name in (
            ("sample", usage.usage_sample, "usage_sample"),
            ("with-mistakes", usage.usage_bad_sample, "usage_bad_sample"),
            ("template", usage.usage_template, "usage_template"),
        )
        for kind, suffix in (("csv", ""), ("xlsx", "_xlsx"))
    ),
    path("usage/telemetry/", telemetry.telemetry_list, name="telemetry"),
    path("usage/telemetry/new/", telemetry.telemetry_upload, name="telemetry_upload"),
    path("usage/telemetry/keys/new/", telemetry.meter_key_new, name="meter_key_new"),
    path("usage/lines/<int:pk>/", usage_lines.usage_line, name="usage_line"),
    path(
        "usage/lines/<int:pk>/correct/",
        usage_lines.usage_line_correct,
        name="usage_line_correct",
    ),
    path("usage/files/<int:pk>/", usage.usage_file, name="usage_file"),
    path("usage/files/<int:pk>/to-fix.<str:kind>", usage.usage_errors, name="usage_errors"),
    path("bills/", bills.bills, name="bills"),
    path("bills/new/", bill_new.bill_new, name="bill_new"),
    path("bills/lines-sample.csv", usage.bill_lines_sample, name="bill_lines_sample"),
    path("bills/<str:number>/", bills.bill, name="bill"),
    path("bills/<str:number>/lines.csv", bill_files.bill_csv, name="bill_csv"),
    path(
        "bills/<str:number>/not-accepted.csv",
        bill_files.bill_errors_csv,
        name="bill_errors_csv",
    ),
    path("bills/<str:number>/focus.csv", focus.bill_focus, name="bill_focus"),
    path(
        "bills/<str:number>/invoice-<int:position>.<str:kind>",
        invoices.bill_invoice,
        name="bill_invoice",
    ),
    path(
        "bills/<str:number>/invoice/",
        provider_invoices.provider_invoice,
        name="provider_invoice",
    ),
    path(
        "bills/<str:number>/invoice/new/",
        provider_invoices.provider_invoice_new,
        name="provider_invoice_new",
    ),
    path("bills/<str:number>/confirm/", confirming.bill_confirm, name="bill_confirm"),
    path("bills/<str:number>/answers/", confirming.bill_answers, name="bill_answers"),
    path(
        "bills/<str:number>/answers.csv", confirming.bill_answers_csv, name="bill_answers_csv"
    ),
    path("bills/<str:number>/own-share/new/", own_shares.own_share_new, name="own_share_new"),
    path(
        "bills/<str:number>/own-share/<int:pk>/",
        own_shares.own_share_decide,
        name="own_share_decide",
    ),
    path(
        "bills/<str:number>/own-share/<int:pk>/file/",
        own_shares.own_share_file,
        name="own_share_file",
    ),
    path("bills/<str:number>/settle/", settlement.bill_settle, name="bill_settle"),
    path("bills/<str:number>/lines/<int:row>/", objections.bill_line, name="bill_line"),
    path(
        "bills/<str:number>/lines/<int:row>/withdraw/",
        objections.objection_withdraw,
        name="objection_withdraw",
    ),
    path(
        "bills/<str:number>/lines/<int:row>/evidence/<int:pk>/",
        objections.objection_file,
        name="objection_file",
    ),
    path("bills/<str:number>/lines/<int:row>/object/", claims.line_object, name="line_object"),
    path(
        "bills/<str:number>/lines/<int:row>/decide/",
        settlement.line_decide,
        name="line_decide",
    ),
    path("vouchers/<str:code>/claims/new/", claims.claim_new, name="claim_new"),
    path("claims/", claims.fees, name="fees"),
    path("claims/<str:code>/new/", claims.fee_claim, name="fee_claim"),
    path("vouchers/<str:code>/target/claim/", targets.target_claim, name="target_claim"),
    path("payments/", payments.payments, name="payments"),
    path("payments/<str:end_to_end_id>/", remittances.remittance, name="remittance"),
    path(
        "payments/<str:end_to_end_id>/advice.<str:kind>",
        remittances.remittance_file,
        name="remittance_file",
    ),
    path("accounts/", accounts.accounts, name="accounts"),
    path(
        "accounts/<str:code>/<str:party_code>/",
        accounts.account_statement,
        name="account_statement",
    ),
    path(
        "accounts/<str:code>/<str:party_code>/statement.<str:kind>",
        accounts.account_statement_file,
        name="account_statement_file",
    ),
    path("payables/", aged.payables, name="payables"),
    path("payables.csv", aged.payables_file, {"kind": "csv"}, name="payables_csv"),
    path("payables.xlsx", aged.payables_file, {"kind": "xlsx"}, name="payables_xlsx"),
    path("payables/<str:code>/<str:party_code>/", aged.payable_items, name="payable_items"),
    path("settlement/", settlement.settle_queue, name="settle_queue"),
    path("settlement/withheld/", settlement.lines_withheld, name="lines_withheld"),
    path("recoveries/", recoveries.recoveries, name="recoveries"),
    path("recoveries.csv", recoveries.recoveries_csv, name="recoveries_csv"),
    path("recoveries/new/", recoveries.recovery_new, name="recovery_new"),
    path("recoveries/<str:code>/", recoveries.recovery, name="recovery"),
    path(
        "recoveries/<str:code>/notice.pdf",
        recovery_notice.recovery_notice,
        name="recovery_notice",
    ),
    *(
        path(
            f"recoveries/<str:code>/{step}/",
            getattr(recovery_steps, f"recovery_{step}"),
            name=f"recovery_{step}",
        )
        for step in ("reply", "decide", "offset", "collect")
    ),
    path(
        "recoveries/<str:code>/confirm/<int:pk>/",
        recovery_steps.recovery_confirm,
        name="recovery_confirm",
    ),
    path("settlement/queues/", queues.work_queues, name="work_queues"),
    path("settlement/queues/<slug:code>/", queues.work_queue, name="work_queue"),
    path("settlement/queues/<slug:code>.csv", queues.work_queue_csv, name="work_queue_csv"),
    path("batches/", batches.batches, name="batches"),
    path("batches/new/", batch_new.batch_new, name="batch_new"),
    path("batches/deputy/", batch_deputies.finance_deputy_new, name="finance_deputy_new"),
    path("batches/<str:code>/", batches.batch, name="batch"),
    *(
        path(f"batches/<str:code>/{word}/", view, name=name)
        for word, view, name in (
            ("lock", batch_steps.batch_lock, "batch_lock"),
            ("send-back", batch_steps.batch_send_back, "batch_send_back"),
            ("approve", batch_steps.batch_approve, "batch_approve"),
            ("authorise", batch_steps.batch_authorise, "batch_authorise"),
            ("release", batch_steps.batch_release, "batch_release"),
            ("hand-over", batch_steps.batch_hand_over, "batch_hand_over"),
            ("cancel", batch_steps.batch_cancel, "batch_cancel"),
            ("follow-up", batch_steps.batch_follow_up, "batch_follow_up"),
            ("add", batch_steps.payment_add, "payment_add"),
            ("file", batches.batch_file, "batch_file"),
        )
    ),
    path("batches/<str:code>/payments.csv", batches.batch_csv, name="batch_csv"),
    path(
        "batches/<str:code>/payments/<str:end_to_end_id>/remove/",
        batch_steps.payment_remove,
        name="payment_remove",
    ),
    path("statements/", bank.statements, name="statements"),
    path("statements/new/", bank.statement_upload, name="statement_upload"),
    path("statements/<int:pk>/", bank.statement, name="statement"),
    path("statements/<int:pk>/file/", bank.statement_file, name="statement_file"),
    path("statements/to-look-at/", oddities.bank_queue, name="bank_queue"),
    path("statements/to-look-at.csv", oddities.bank_queue_csv, name="bank_queue_csv"),
    path("statements/entries/<int:pk>/", oddities.bank_line, name="bank_line"),
    path("statements/entries/<int:pk>/resolve/", oddities.line_resolve, name="line_resolve"),
    path("statements/entries/<int:pk>/agree/", oddities.line_second, name="line_second"),
    path("statements/entries/<int:pk>/undo/", oddities.line_undo, name="line_undo"),
    path("ledger/accounts/", ledger.ledger_accounts, name="ledger_accounts"),
    path("ledger/accounts/<str:address>/", ledger.ledger_account, name="ledger_account"),
    path(
        "ledger/accounts/<str:address>/statement.csv",
        ledger.ledger_account_csv,
        name="ledger_account_csv",
    ),
    path("ledger/refused/", attempts.refused_attempts, name="refused_attempts"),
    path("ledger/refused.csv", attempts.refused_attempts_csv, name="refused_attempts_csv"),
    path("ledger/acts/", ledger_search.ledger_audit, name="ledger_audit"),
    path("ledger/acts.csv", ledger_search.ledger_audit_csv, name="ledger_audit_csv"),
    path("ledger/acts/<int:pk>/", ledger.ledger_act, name="ledger_act"),
    path(
        "ledger/acts/<int:pk>/transfers/<int:transfer>/correct/",
        ledger.transfer_correct,
        name="transfer_correct",
    ),
]

api_urlpatterns = [
    path("usage", usage_api.UsageBatches.as_view(), name="api_usage"),
    path("telemetry", telemetry_api.Telemetry.as_view(), name="api_telemetry"),
    path(
        "usage/corrections",
        corrections_api.UsageCorrections.as_view(),
        name="api_usage_corrections",
    ),
    path("bills", bills_api.Bills.as_view(), name="api_bills"),
    path("claims", claims_api.Claims.as_view(), name="api_claims"),
    path("bills/<str:number>", bills_api.BillDetail.as_view(), name="api_bill"),
    path(
        "bills/<str:number>/invoice",
        provider_invoices_api.BillInvoice.as_view(),
        name="api_bill_invoice",
    ),
    path("bills/<str:number>/papers", papers_api.BillPapers.as_view(), name="api_bill_papers"),
    path(
        "bills/<str:number>/papers/<int:position>.<str:form>",
        papers_api.BillPaper.as_view(),
        name="api_bill_paper",
    ),
]
