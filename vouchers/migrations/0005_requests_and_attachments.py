"""Questions to applicants, their answers, and files; what was sent stays as it was sent."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from common.insert_only import insert_only

_SENT_STAYS = """
create function vouchers_attachment_stays() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and exists (
        select from vouchers_application a where a.id = old.application_id and a.status = 'DRAFT'
    ) then
        return old;
    end if;
    raise exception 'an attachment that was sent stays as it is' using errcode = 'TS001';
end $$;
create trigger stays before update or delete on vouchers_attachment
for each row execute function vouchers_attachment_stays();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0005_accounts'),
        ('parties', '0002_identifier_scheme_known'),
        ('vouchers', '0004_modes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('media_type', models.CharField(max_length=40)),
                ('content', models.BinaryField()),
                ('size', models.IntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('attached_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='InformationAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('answered_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='InformationRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('answer_name', models.CharField(blank=True, default='', max_length=40)),
                ('question', models.TextField()),
                ('asked_at', models.DateTimeField()),
                ('due_on', models.DateField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='application',
            name='vouchers_application_status_known',
        ),
        migrations.AlterField(
            model_name='application',
            name='status',
            field=models.CharField(choices=[('DRAFT', 'Draft'), ('SENT', 'Sent'), ('REFERRED', 'Being checked'), ('INFO_NEEDED', 'We need something from you'), ('APPROVED', 'Approved'), ('NOT_APPROVED', 'Not approved'), ('WITHDRAWN', 'Withdrawn')], max_length=12),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['DRAFT', 'SENT', 'REFERRED', 'INFO_NEEDED', 'APPROVED', 'NOT_APPROVED', 'WITHDRAWN'])), name='vouchers_application_status_known'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='application',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='vouchers.application'),
        ),
        migrations.AddField(
            model_name='attachment',
            name='attached_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='informationanswer',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='informationanswer',
            name='answered_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='attachment',
            name='answer',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='vouchers.informationanswer'),
        ),
        migrations.AddField(
            model_name='informationrequest',
            name='act',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.act'),
        ),
        migrations.AddField(
            model_name='informationrequest',
            name='application',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='vouchers.application'),
        ),
        migrations.AddField(
            model_name='informationrequest',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='informationanswer',
            name='request',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='answer', to='vouchers.informationrequest'),
        ),
        migrations.AddConstraint(
            model_name='attachment',
            constraint=models.UniqueConstraint(models.F('application'), models.F('sha256'), name='vouchers_attachment_once'),
        ),
        migrations.AddConstraint(
            model_name='attachment',
            constraint=models.CheckConstraint(condition=models.Q(('size__gt', 0)), name='vouchers_attachment_not_empty'),
        ),
        *insert_only("vouchers_informationrequest", "vouchers_informationanswer"),
        migrations.RunSQL(
            _SENT_STAYS,
            "drop trigger stays on vouchers_attachment;"
            "drop function vouchers_attachment_stays()",
        ),
    ]
