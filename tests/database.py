"""The tests' database: migrated once, then copied for each run, worker and test that commits.

To migrate takes many seconds; to copy what comes of it takes a moment. The template is kept until
something that decides what is in it changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

FOLDER = settings.BASE_DIR / "var" / "test-database"
# The migrations, what they fill the database with, and what Django fills it with after them.
SOURCES = (
    "requirements.txt",
    "*/migrations/*.py",
    "*/models/**/*.py",
    "agents/data/*.toml",
    "agents/playbook/*.py",
    "agents/services/playbooks.py",
    "billing/policy/price_list.py",
    "billing/policy/prices/*.toml",
    "leads/policy/words.py",
)


@contextmanager
def own_database() -> Iterator[None]:
    """Connect to a new, migrated database for the block's time (the name is in the settings)."""
    before, name = connection.settings_dict["NAME"], connection.creation._get_test_db_name()
    build = _sqlite if connection.vendor == "sqlite" else _postgresql
    with build(name):
        _connect_to(name)
        yield
        _disconnect()
    _connect_to(before)


@contextmanager
def _sqlite(name: str) -> Iterator[None]:
    """Copy the template; put the copy back into its state after each test that has committed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{_key()}.sqlite3"
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            for old in FOLDER.glob("*.sqlite3*"):
                old.unlink()
            unfinished = FOLDER / "unfinished.sqlite3"
            _migrate(str(unfinished))
            unfinished.rename(path)
        template = sqlite3.connect(path)
        shutil.copyfile(path, name)

    def restore(_test: TransactionTestCase) -> None:
        connection.ensure_connection()
        template.backup(connection.connection)

    flush = TransactionTestCase._fixture_teardown
    TransactionTestCase._fixture_teardown = restore
    with closing(template):
        yield
    TransactionTestCase._fixture_teardown = flush
    connection.creation.destroy_test_db(name, verbosity=0)


@contextmanager
def _postgresql(name: str) -> Iterator[None]:
    """Copy the template, which is a database beside the configured one."""
    creation = connection.creation
    template = f"test_{connection.settings_dict['NAME']}_template"
    key = _key()
    with creation._nodb_cursor() as cursor:
        # Held until the cursor's connection is closed.
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [template])
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [template],
        )
        if cursor.fetchone() != (key,):
            cursor.execute(f'DROP DATABASE IF EXISTS "{template}"')
            cursor.execute(f'CREATE DATABASE "{template}"')
            _migrate(template)
            cursor.execute(f"COMMENT ON DATABASE \"{template}\" IS '{key}'")
        _drop(cursor, name)
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield
    with creation._nodb_cursor() as cursor:
        _drop(cursor, name)


def _drop(cursor: CursorWrapper, name: str) -> None:
    # By force: a thread that has ended badly may have left its connection open.
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _migrate(name: str) -> None:
    _connect_to(name)
    call_command("migrate", verbosity=0)
    _disconnect()


def _disconnect() -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


def _connect_to(name: str) -> None:
    _disconnect()
    settings.DATABASES[connection.alias]["NAME"] = name
    connection.settings_dict["NAME"] = name


def _key() -> str:
    """Return what tells templates apart: a hash of all that they are made of."""
    files = sorted({file for pattern in SOURCES for file in settings.BASE_DIR.glob(pattern)})
    content = hashlib.sha256()
    for file in files:
        content.update(f"{file.relative_to(settings.BASE_DIR)}\0".encode() + file.read_bytes())
    return content.hexdigest()[:32]
