"""Tests: a folder of their own for all files, SQLite unless DATABASE_URL says otherwise."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "DATA_DIR" not in os.environ:  # a parallel worker shares the folder of the run
    os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="reauto-test-")
    atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

from reauto_site.settings.base import *  # noqa: F403 - needs DATA_DIR
from reauto_site.settings.base import DATABASES, ENV
from reauto_site.settings.logging import logging_config

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING = logging_config(level=ENV.log_level, json=False)
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file rather than memory, so that the processes of a whole-call test can share it.
    DATABASES["default"]["TEST"] = {"NAME": str(ENV.data_dir / "test.sqlite3")}
