"""Targets that are assessed, awards that follow another's, and the two modes that run by them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from common.insert_only import insert_only

MODES = ["M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8"]
PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0008_two_people"),
        ("ledger", "0001_tables"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.RemoveConstraint("programme", "vouchers_programme_mode_known"),
        migrations.AlterField(
            model_name="programme",
            name="mode",
            field=models.CharField(
                choices=[
                    ("M1", "Paid to the user after use"),
                    ("M2", "Claimed with the contract, paid after use"),
                    ("M3", "Offset at the point of sale"),
                    ("M4", "Paid in full by the user, then claimed by both sides"),
                    ("M5", "GPU-hours in kind"),
                    ("M6", "A share of costs, claimed after use"),
                    ("M7", "A target, paid to one side by its assessment"),
                    ("M8", "Follows another programme’s award, paid after use"),
                ],
                max_length=2,
            ),
        ),
        migrations.AddConstraint(
            "programme",
            models.CheckConstraint(condition=Q(mode__in=MODES), name="vouchers_programme_mode_known"),
        ),
        migrations.CreateModel(
            name="Assessment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("assessor", models.CharField(max_length=200)),
                ("figure", models.DecimalField(decimal_places=6, max_digits=18)),
                ("evidence", models.TextField()),
                ("assessed_on", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                ("act", models.ForeignKey(on_delete=PROTECT, related_name="+", to="ledger.act")),
                ("recorded_by", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("voucher", models.ForeignKey(on_delete=PROTECT, related_name="assessments", to="vouchers.voucher")),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=Q(figure__gte=0), name="vouchers_assessment_figure_not_negative"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UpstreamAward",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upstream", models.CharField(max_length=40)),
                ("reference", models.CharField(max_length=60)),
                ("base_amount", models.BigIntegerField()),
                ("award_amount", models.BigIntegerField()),
                ("facility", models.CharField(blank=True, max_length=40)),
                ("awarded_on", models.DateField()),
                ("recorded_at", models.DateTimeField()),
                ("act", models.ForeignKey(on_delete=PROTECT, related_name="+", to="ledger.act")),
                ("organisation", models.ForeignKey(on_delete=PROTECT, related_name="upstream_awards", to="parties.organisation")),
                ("programme", models.ForeignKey(on_delete=PROTECT, related_name="upstream_awards", to="vouchers.programme")),
                ("recorded_by", models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(F("programme"), F("upstream"), F("reference"), name="vouchers_upstreamaward_once"),
                    models.CheckConstraint(condition=Q(base_amount__gt=0), name="vouchers_upstreamaward_has_base"),
                    models.CheckConstraint(condition=Q(award_amount__gte=0), name="vouchers_upstreamaward_award_amount_not_negative"),
                    models.CheckConstraint(condition=Q(award_amount__lte=F("base_amount")), name="vouchers_upstreamaward_within_base"),
                ],
            },
        ),
        *insert_only("vouchers_assessment", "vouchers_upstreamaward"),
        migrations.AddField(
            model_name="application",
            name="upstream_award",
            field=models.OneToOneField(null=True, on_delete=PROTECT, related_name="application", to="vouchers.upstreamaward"),
        ),
        migrations.RemoveConstraint("application", "vouchers_application_one_a_round"),
        migrations.AddConstraint(
            "application",
            models.UniqueConstraint(
                F("round"),
                F("organisation"),
                condition=~Q(status__in=["WITHDRAWN", "NOT_APPROVED"]) & Q(upstream_award__isnull=True),
                name="vouchers_application_one_a_round",
            ),
        ),
    ]
