"""Leads and notes are found by their words: a function, and indexes on what it returns.

The function is in the database so that the index can never be out of step with the rows, whoever
writes them. SQLite has no such index; there the rows are looked through (leads/search.py).
"""

from django.db import migrations

from leads.policy.words import ACCENTED, PLAIN

SEARCH_WORDS = f"""
CREATE OR REPLACE FUNCTION search_words(content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN to_tsvector('simple', regexp_replace(
    translate(lower(content), '{ACCENTED}', '{PLAIN}'), '[^[:alnum:]]+', ' ', 'g'))
"""

# A number is found by its beginning with or without the country code, by its last seven digits,
# and by its last four.
PHONE_WORDS = """
CREATE OR REPLACE FUNCTION phone_words(phone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE
    WHEN phone LIKE '+1%' THEN substr(phone, 2) || ' ' || substr(phone, 3)
    ELSE substr(phone, 2) || ' ' || substr(phone, 3) || ' ' || substr(phone, 4)
        || ' ' || substr(phone, 5) || ' ' || right(phone, 8) END
    || ' ' || right(phone, 7) || ' ' || right(phone, 4)
"""

LEAD_INDEX = """
CREATE INDEX lead_search ON leads_lead USING gin (search_words(
    first_name || ' ' || last_name || ' ' || email || ' ' || street || ' ' || city || ' ' ||
    state || ' ' || postal_code || ' ' || phone_words(phone)))
"""
NOTE_INDEX = """
CREATE INDEX timeline_note_search ON leads_timelineentry USING gin (search_words(text))
WHERE kind = 'note'
"""
TAG_INDEX = "CREATE INDEX lead_tags ON leads_lead USING gin (tags jsonb_path_ops)"


def add(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in (SEARCH_WORDS, PHONE_WORDS, LEAD_INDEX, NOTE_INDEX, TAG_INDEX):
            schema_editor.execute(statement, params=None)


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in ("lead_tags", "timeline_note_search", "lead_search"):
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")
        schema_editor.execute("DROP FUNCTION IF EXISTS phone_words(text)")
        schema_editor.execute("DROP FUNCTION IF EXISTS search_words(text)")


class Migration(migrations.Migration):
    dependencies = [("leads", "0009_desk")]
    operations = [migrations.RunPython(add, remove, elidable=False)]
