"""The words of a lead are kept beside it, so that looking at one costs nothing.

Computing them anew for each of the leads that a frequent word is looked for among takes longer
than all the rest of a search. PostgreSQL keeps the column itself; Django does not know of it.
"""

from django.db import migrations

from leads.policy.words import ACCENTED, PLAIN

# Accents are looked for only where there are any: it takes longer than all the rest. What the
# parser would keep together, such as addresses of mailboxes, is taken apart.
SEARCH_WORDS = f"""
CREATE OR REPLACE FUNCTION search_words(content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN to_tsvector('simple', translate(
    CASE WHEN octet_length(content) = length(content) THEN lower(content)
    ELSE translate(lower(content), '{ACCENTED}', '{PLAIN}') END, '@._-+/', '      '))
"""
DOCUMENT = """search_words(
    first_name || ' ' || last_name || ' ' || email || ' ' || street || ' ' || city || ' ' ||
    state || ' ' || postal_code || ' ' || phone_words(phone))"""

KEEP = (
    SEARCH_WORDS,
    "DROP INDEX lead_search",
    f"ALTER TABLE leads_lead ADD COLUMN words tsvector GENERATED ALWAYS AS ({DOCUMENT}) STORED",
    "CREATE INDEX lead_search ON leads_lead USING gin (words)",
    "REINDEX INDEX timeline_note_search",
)
FORGET = (
    "DROP INDEX lead_search",
    "ALTER TABLE leads_lead DROP COLUMN words",
    f"CREATE INDEX lead_search ON leads_lead USING gin ({DOCUMENT})",
)


def keep(apps, schema_editor):
    run(schema_editor, KEEP)


def forget(apps, schema_editor):
    run(schema_editor, FORGET)


def run(schema_editor, statements):
    if schema_editor.connection.vendor == "postgresql":
        for statement in statements:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("leads", "0017_score_order")]
    operations = [migrations.RunPython(keep, forget, elidable=False)]
