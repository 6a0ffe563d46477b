"""The rule that fits every lead is there from the start."""

from django.db import migrations


def add(apps, schema_editor):
    rule = apps.get_model("leads", "AssignmentRule")
    rule.objects.get_or_create(
        is_default=True, defaults={"name": "Everybody in turn", "position": 1_000_000}
    )


class Migration(migrations.Migration):
    dependencies = [("leads", "0010_search")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop, elidable=False)]
