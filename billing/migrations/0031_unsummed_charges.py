"""What is in the sums of the days is told by rows beside the charges, no longer by a clock."""

import django.db.models.deletion
from django.db import migrations, models


def forget(apps, schema_editor):
    """Throw the sums away; the next run of their job adds all charges up anew."""
    apps.get_model("billing", "SpendMark").objects.all().delete()
    apps.get_model("billing", "DailySpend").objects.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0030_daily_spend'),
    ]

    operations = [
        migrations.RunPython(forget, forget),
        migrations.CreateModel(
            name='UnsummedCharge',
            fields=[
                ('charge', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='unsummed', serialize=False, to='billing.charge')),
            ],
        ),
        migrations.RemoveIndex(
            model_name='charge',
            name='charge_created',
        ),
        migrations.RemoveField(
            model_name='spendmark',
            name='upto',
        ),
        migrations.AddField(
            model_name='spendmark',
            name='changes',
            field=models.PositiveBigIntegerField(default=0, help_text='How often the sums changed.'),
        ),
        migrations.AlterField(
            model_name='spendmark',
            name='time_zone',
            field=models.CharField(help_text='Where the days begin; empty: no sums.', max_length=64),
        ),
    ]
