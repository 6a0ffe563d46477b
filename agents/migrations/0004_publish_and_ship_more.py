"""Versions from before drafts were live; and a database has every playbook that ships."""

from django.db import migrations
from django.db.models import F
from django.utils import timezone

from agents.playbook import Script
from agents.services.playbooks import DATA, SHIPPED


def publish(apps, schema_editor):
    PlaybookVersion = apps.get_model("agents", "PlaybookVersion")
    PlaybookVersion.objects.filter(published_at__isnull=True).update(published_at=F("created_at"))


def ship(apps, schema_editor):
    Playbook = apps.get_model("agents", "Playbook")
    PlaybookVersion = apps.get_model("agents", "PlaybookVersion")
    for name, (file, kind, description) in SHIPPED.items():
        playbook, created = Playbook.objects.get_or_create(
            name=name, defaults={"lead_kind": kind, "description": description}
        )
        if created:
            PlaybookVersion.objects.create(
                playbook=playbook,
                number=1,
                script=Script.from_toml(DATA / file).model_dump(mode="json"),
                note="As shipped.",
                published_at=timezone.now(),
            )


class Migration(migrations.Migration):
    dependencies = [("agents", "0003_version_published")]
    operations = [
        migrations.RunPython(publish, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(ship, migrations.RunPython.noop, elidable=True),
    ]
