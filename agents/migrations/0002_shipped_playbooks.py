"""A fresh database has the playbooks that the product ships with."""

from django.db import migrations

from agents.playbook import Script
from agents.services.playbooks import DATA, SHIPPED


def seed(apps, schema_editor):
    Playbook = apps.get_model("agents", "Playbook")
    PlaybookVersion = apps.get_model("agents", "PlaybookVersion")
    for name, (file, kind, description) in SHIPPED.items():
        playbook, created = Playbook.objects.get_or_create(
            name=name, defaults={"lead_kind": kind, "description": description}
        )
        if created:
            script = Script.from_toml(DATA / file).model_dump(mode="json")
            PlaybookVersion.objects.create(
                playbook=playbook, number=1, script=script, note="As shipped."
            )


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=True)]
