"""No representative is booked twice at a time: PostgreSQL checks overlaps itself.

SQLite has no exclusion constraint; there the booking service checks under the one write lock.
"""

from django.db import migrations


def add_constraint(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    schema_editor.execute(
        "ALTER TABLE leads_appointment ADD CONSTRAINT appointment_rep_no_overlap "
        "EXCLUDE USING gist (rep_id WITH =, tstzrange(starts_at, ends_at) WITH &&) "
        "WHERE (status = 'booked')"
    )


def remove_constraint(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "ALTER TABLE leads_appointment DROP CONSTRAINT IF EXISTS appointment_rep_no_overlap"
        )


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]
    operations = [migrations.RunPython(add_constraint, remove_constraint, elidable=False)]
