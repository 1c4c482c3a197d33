"""Every account belongs to one person, and who is one person may not do what two must do."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.operations import RunSQL

from common.insert_only import insert_only
from common.two_people import ONE_PERSON, TWO_PEOPLE, two_people


def mailbox_of(email):
    """Return what `parties.identities.mailbox_of` made of an address when this was written."""
    name, _at, host = email.strip().lower().rpartition("@")
    return f"{name.partition('+')[0] or name}@{host.rstrip('.')}"


def one_person_each(apps, schema_editor):
    """Give each account its mailbox, and each mailbox its person."""
    user_model, person_model = apps.get_model("parties", "User"), apps.get_model("parties", "Person")
    person_of = {}
    for user in user_model.objects.order_by("joined_at", "pk"):
        user.mailbox = mailbox_of(user.email)
        if user.mailbox not in person_of:
            person_of[user.mailbox] = person_model.objects.create(known_since=user.joined_at)
        user.person = person_of[user.mailbox]
        user.save(update_fields=["mailbox", "person"])


class Migration(migrations.Migration):

    dependencies = [
        ("ledger", "0001_tables"),
        ("ledger", "0002_initial"),
        ("parties", "0003_reviewers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("known_since", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="user",
            name="mailbox",
            field=models.CharField(default="", max_length=254),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="user",
            name="person",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="parties.person"),
        ),
        migrations.RunPython(one_person_each, migrations.RunPython.noop),
        # A table with foreign keys still to be looked at can't be altered.
        RunSQL("set constraints all immediate", RunSQL.noop),
        migrations.AlterField(
            model_name="user",
            name="person",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="parties.person"),
        ),
        migrations.AlterField(
            model_name="user",
            name="mailbox",
            field=models.CharField(db_index=True, max_length=254),
        ),
        migrations.CreateModel(
            name="IdentityNumber",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scheme", models.CharField(choices=[("CN_ID", "Chinese identity card"), ("PASSPORT", "Passport"), ("STAFF", "Staff register"), ("OTHER", "Other register")], max_length=8)),
                ("digest", models.CharField(max_length=64)),
                ("given_at", models.DateTimeField()),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="identity_numbers", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("scheme__in", ["CN_ID", "PASSPORT", "STAFF", "OTHER"])), name="parties_identitynumber_scheme_known"),
                    models.UniqueConstraint(models.F("scheme"), models.F("digest"), name="parties_identitynumber_one_person"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PersonChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("act", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.act")),
                ("former", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="parties.person")),
                ("person", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="parties.person")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="person_changes", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(models.F("act"), models.F("user"), name="parties_personchange_once"),
                    models.CheckConstraint(condition=models.Q(("former", models.F("person")), _negated=True), name="parties_personchange_changes"),
                ],
            },
        ),
        *insert_only("parties_identitynumber", "parties_personchange"),
        RunSQL(ONE_PERSON, "drop function one_person(bigint, bigint)"),
        RunSQL(TWO_PEOPLE, "drop function two_people()"),
        *two_people("parties_bankdetail", "proposed_by_id", "approved_by_id"),
    ]
