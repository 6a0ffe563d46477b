"""Leads that may be one person are noted when they are written.

To look for them among a million takes PostgreSQL seconds, and two index lookups when one of them
is written next to nothing. `leads/duplicates.py` reads the notes and looks again whether they still
hold; it says what is alike, too. A note is an id and no more, with no foreign key: nobody who
writes a lead ever waits for the row of another. SQLite has no notes; there every lead is compared.
"""

from django.db import migrations

TABLE = "CREATE TABLE lead_alike (lead_id uuid NOT NULL, noted_at timestamptz NOT NULL)"
INDEXES = (
    "CREATE INDEX lead_alike_noted ON lead_alike (noted_at)",
    "CREATE INDEX lead_alike_lead ON lead_alike (lead_id)",
)
# Of many who have all the same, such as none@example.com, some are enough.
NOTE = """
CREATE FUNCTION lead_alike_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH others AS (
        (SELECT id FROM leads_lead WHERE NEW.email <> '' AND email <> ''
            AND lower(email) = lower(NEW.email) AND id <> NEW.id LIMIT 20)
        UNION ALL
        (SELECT id FROM leads_lead
            WHERE NEW.first_name <> '' AND NEW.last_name <> '' AND NEW.street <> ''
            AND lower(last_name) = lower(NEW.last_name) AND lower(street) = lower(NEW.street)
            AND lower(first_name) = lower(NEW.first_name)
            AND lower(postal_code) = lower(NEW.postal_code) AND id <> NEW.id LIMIT 20)
    )
    INSERT INTO lead_alike SELECT id, clock_timestamp() FROM others
        UNION ALL SELECT NEW.id, clock_timestamp() WHERE EXISTS (SELECT FROM others);
    RETURN NULL;
END $$
"""
ADDED = """
CREATE TRIGGER lead_alike_added AFTER INSERT ON leads_lead
FOR EACH ROW EXECUTE FUNCTION lead_alike_note()
"""
CHANGED = """
CREATE TRIGGER lead_alike_changed
AFTER UPDATE OF email, first_name, last_name, street, postal_code ON leads_lead
FOR EACH ROW WHEN ((OLD.email, OLD.first_name, OLD.last_name, OLD.street, OLD.postal_code)
    IS DISTINCT FROM (NEW.email, NEW.first_name, NEW.last_name, NEW.street, NEW.postal_code))
EXECUTE FUNCTION lead_alike_note()
"""
FORGET = """
CREATE FUNCTION lead_alike_forget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM lead_alike WHERE lead_id IN (SELECT id FROM gone);
    RETURN NULL;
END $$
"""
GONE = """
CREATE TRIGGER lead_alike_gone AFTER DELETE ON leads_lead REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION lead_alike_forget()
"""
FILL = """
INSERT INTO lead_alike SELECT id, clock_timestamp() FROM (
    SELECT id, count(*) OVER (PARTITION BY lower(email)) AS alike
    FROM leads_lead WHERE email <> ''
    UNION ALL
    SELECT id, count(*) OVER (
        PARTITION BY lower(first_name), lower(last_name), lower(street), lower(postal_code))
    FROM leads_lead WHERE first_name <> '' AND last_name <> '' AND street <> ''
) counted WHERE alike > 1
"""
KEEP = (TABLE, *INDEXES, NOTE, FORGET, ADDED, CHANGED, GONE, FILL)
DROP = (
    "DROP TRIGGER lead_alike_gone ON leads_lead",
    "DROP TRIGGER lead_alike_changed ON leads_lead",
    "DROP TRIGGER lead_alike_added ON leads_lead",
    "DROP FUNCTION lead_alike_forget()",
    "DROP FUNCTION lead_alike_note()",
    "DROP TABLE lead_alike",
)


def keep(apps, schema_editor):
    run(schema_editor, KEEP)


def drop(apps, schema_editor):
    run(schema_editor, DROP)


def run(schema_editor, statements):
    if schema_editor.connection.vendor == "postgresql":
        for statement in statements:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("leads", "0019_plain_words")]
    operations = [migrations.RunPython(keep, drop, elidable=False)]
