"""The database refuses what must never be: no floats, no cascades, no unknown choice."""

import re

import pytest
from django.apps import apps
from django.db import connection, models

OURS = (
    "parties",
    "ledger",
    "safeguards",
    "providers",
    "vouchers",
    "billing",
    "scoring",
    "notices",
)


def fields(*kinds):
    return [
        (model, field)
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.get_fields()
        if isinstance(field, kinds) and not field.auto_created
    ]


def names(pairs):
    return [f"{model._meta.label}.{field.name}" for model, field in pairs]


def test_there_is_no_float_anywhere():
    assert names(fields(models.FloatField)) == []


def test_nothing_is_deleted_along_with_something_else():
    loose = [
        (model, field)
        for model, field in fields(models.ForeignKey)
        if field.remote_field.on_delete is not models.PROTECT
    ]
    assert names(loose) == []


def test_amounts_are_whole_numbers_wide_enough():
    amount = re.compile(r"(^|_)(amount|total|budget|covered|accepted|withheld|co_payment)$")
    wrong = [
        (model, field)
        for model, field in fields(models.Field)
        if amount.search(field.name)
        and not isinstance(field, models.BigIntegerField)
        and model._meta.label not in ("ledger.Act", "ledger.Period")
    ]
    # errors_total counts rows, not value.
    assert names(wrong) == ["billing.UsageFile.errors_total", "billing.FileCheck.errors_total"]


def test_every_choice_is_held_by_a_check():
    missing = []
    for model, field in fields(models.CharField):
        if not field.choices:
            continue
        checks = [
            str(constraint.condition)
            for constraint in model._meta.constraints
            if isinstance(constraint, models.CheckConstraint)
        ]
        if not any(f"{field.name}__in" in check for check in checks):
            missing.append((model, field))
    assert names(missing) == []


@pytest.mark.django_db
def test_what_was_written_stays_written():
    said = {
        "parties_identitynumber",
        "parties_personchange",
        "parties_registeranswer",
        "parties_ownershiplink",
        "providers_acceptancechoice",
        "providers_equivalent",
        "providers_price",
        "providers_pricecap",
        "providers_pricewithdrawal",
        "providers_accreditation",
        "providers_accreditationapplication",
        "providers_accreditationdecision",
        "providers_accreditationdocument",
        "providers_agreement",
        "providers_agreementacceptance",
        "providers_capacitynode",
        "providers_capacityversion",
        "providers_suspension",
        "providers_suspensionlift",
        "safeguards_ruleversion",
        "safeguards_ruleresult",
        "vouchers_policyversion",
        "vouchers_policyrelease",
        "vouchers_round",
        "vouchers_decision",
        "vouchers_standing",
        "vouchers_orderchange",
        "vouchers_useanswer",
        "vouchers_usequestion",
        "billing_keptfile",
        "billing_keptfilepart",
        "billing_filecheck",
        "billing_columnmapping",
        "billing_closedperiod",
        "billing_periodproposal",
        "billing_periodaccrual",
        "billing_periodcorrection",
        "billing_recoveryreply",
        "billing_collectionproposal",
        "billing_collection",
        "billing_funder",
        "billing_fundershare",
        "billing_meterkey",
        "billing_telemetrybatch",
        "billing_telemetryminute",
        "billing_usagefile",
        "billing_usageline",
        "billing_usagecorrection",
        "billing_billline",
        "billing_verdict",
        "billing_lineconfirmation",
        "billing_objection",
        "billing_objectionfile",
        "billing_objectionreply",
        "billing_objectionwithdrawal",
        "billing_ownshareproof",
        "billing_ownsharedecision",
        "billing_settlement",
        "billing_correctionnote",
        "billing_providerinvoice",
        "billing_batchstep",
        "billing_duplicateanswer",
        "billing_refusedattempt",
        "billing_paymentfile",
        "billing_bankstatement",
        "billing_bankline",
        "billing_bankresolution",
        "scoring_outcome",
        "scoring_score",
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "select tgrelid::regclass::text from pg_trigger where tgname = 'insert_only'"
        )
        marked = {row[0] for row in cursor.fetchall()}
    assert said <= marked


@pytest.mark.django_db
def test_no_migration_is_missing():
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
