"""The framework text of an authority, version by version, and who accepted which."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0006_split'),
        ('parties', '0060_cooling_off'),
        ('providers', '0031_webhooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Agreement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.IntegerField()),
                ('title', models.CharField(blank=True, default='', max_length=120)),
                ('title_zh', models.CharField(blank=True, default='', max_length=120)),
                ('text', models.TextField(blank=True, default='')),
                ('text_zh', models.TextField(blank=True, default='')),
                ('sha256', models.CharField(max_length=64)),
                ('from_on', models.DateField()),
                ('published_at', models.DateTimeField()),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('authority', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='parties.organisation')),
                ('published_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='AgreementAcceptance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64)),
                ('accepted_at', models.DateTimeField()),
                ('accepted_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('act', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act')),
                ('agreement', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='acceptances', to='providers.agreement')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreement_acceptances', to='parties.organisation')),
            ],
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.UniqueConstraint(models.F('authority'), models.F('number'), name='providers_agreement_version_once'),
        ),
        migrations.AddConstraint(
            model_name='agreement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('title', ''), _negated=True), models.Q(('text', ''), _negated=True)), models.Q(models.Q(('title_zh', ''), _negated=True), models.Q(('text_zh', ''), _negated=True)), _connector='OR'), name='providers_agreement_has_text'),
        ),
        migrations.AddConstraint(
            model_name='agreementacceptance',
            constraint=models.UniqueConstraint(models.F('agreement'), models.F('organisation'), name='providers_agreementacceptance_once'),
        ),
        *insert_only("providers_agreement", "providers_agreementacceptance"),
    ]
