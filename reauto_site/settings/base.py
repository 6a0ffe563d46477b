"""What every environment shares."""

from __future__ import annotations

from typing import Any

import dj_database_url
from django.urls import reverse_lazy

from reauto_site.settings.env import BASE_DIR, read_environment
from reauto_site.settings.unfold import UNFOLD as UNFOLD

ENV = read_environment()

SECRET_KEY = ENV.secret_key.get_secret_value()
DEBUG = False
ALLOWED_HOSTS = [ENV.public_host, "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [ENV.public_base_url]

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "phonenumber_field",
    "reauto_site",
    "leads",
    "billing",
    "agents",
    "calls",
    "voice",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "reauto_site.viewer_zone.ViewerZoneMiddleware",
]

ROOT_URLCONF = "reauto_site.urls"
ASGI_APPLICATION = "reauto_site.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ENV.data_dir.mkdir(parents=True, exist_ok=True)


def _database() -> dict[str, Any]:
    url = ENV.database_url.get_secret_value() or f"sqlite:///{ENV.data_dir / 'db.sqlite3'}"
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    if config["ENGINE"].endswith("sqlite3"):
        # Several processes share the file: readers never wait, and a writer takes its lock when
        # its transaction begins, so that two of them queue instead of failing at commit.
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
        }
    else:
        # Under ASGI each request runs on a thread of its own: a connection that stays with its
        # thread is never used again, and the server soon has none left. A pool gives them back.
        config["CONN_HEALTH_CHECKS"] = True
        config.setdefault("OPTIONS", {})["pool"] = {"min_size": 0, "max_size": 20, "timeout": 10}
    return config


DATABASES = {"default": _database()}
# Indexes that hold more than their keys are for PostgreSQL; SQLite does without and need not say.
SILENCED_SYSTEM_CHECKS = ["models.W040"]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "reauto_site.formats"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = ENV.data_dir / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
# Recordings: never under a public URL, served by a view that asks who wants to hear.
MEDIA_ROOT = ENV.data_dir / "media"


def _recordings() -> dict[str, Any]:
    """Return where recordings are kept. Never a public address: our pages ask who wants to hear."""
    if not ENV.recordings_s3_bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    options: dict[str, Any] = {
        "bucket_name": ENV.recordings_s3_bucket,
        "endpoint_url": ENV.recordings_s3_endpoint or None,
        "region_name": ENV.recordings_s3_region or None,
        "access_key": ENV.recordings_s3_access_key or None,
        "secret_key": ENV.recordings_s3_secret_key.get_secret_value() or None,
        "default_acl": "private",
        "file_overwrite": True,
        "querystring_auth": True,
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "recordings": _recordings(),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

REDIS_URL = ENV.redis_url.get_secret_value()
CHANNEL_LAYERS: dict[str, Any] = (
    {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # channels_redis waits 5 s for a message at a time, as long as redis-py waits for any
            # answer: without a longer limit every quiet socket ends in a time-out.
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 30}]},
        }
    }
    if REDIS_URL
    else {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
)
if REDIS_URL:
    INSTALLED_APPS.append("django_rq")
    RQ_SHOW_ADMIN_LINK = False
    RQ_QUEUES = {
        name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 300} for name in ("urgent", "default", "slow")
    }

# Without a server nothing is sent: whoever would send says so where people look.
EMAIL_HOST = ENV.email_host
EMAIL_PORT = ENV.email_port
EMAIL_HOST_USER = ENV.email_user
EMAIL_HOST_PASSWORD = ENV.email_password.get_secret_value()
EMAIL_USE_TLS = ENV.email_security == "starttls"
EMAIL_USE_SSL = ENV.email_security == "tls"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = ENV.email_from

# A long playbook has some hundreds of fields; Django's default of 1000 would refuse the longest.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000

PHONENUMBER_DEFAULT_REGION = "US"
PHONENUMBER_DB_FORMAT = "E164"

# Where apps below `calls` leave work for later: they may not import it.
OUTBOX_ADD = "calls.services.outbox.outbox_add"
# What can be done to many leads at once, by the app that knows how.
BULK_PAGES = ["leads.admin.bulk_pages.PAGES", "calls.admin.bulk_pages.PAGES"]
BULK_ACTIONS = [
    "leads.services.bulk_actions.ACTIONS",
    "calls.services.bulk_actions.ACTIONS",
    "leads.erasure.bulk.ACTIONS",
]
# Where leads, which may not import calls, hear what came of them.
LEAD_CALL_RESULTS = "calls.lead_results.call_results"
# What each app does when a lead is erased; those above first, leads last.
ERASERS = ["calls.erasure.calls_erase", "leads.erasure.leads.leads_erase"]
# What each app keeps, and for how long.
RETENTION = ["calls.retention.KINDS", "leads.retention.KINDS"]
