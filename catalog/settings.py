"""Settings. One environment variable, one typed line; docs/operations.md lists them."""

from __future__ import annotations

import contextlib
import logging.config
import os
import secrets
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from . import environment as env
from .logs import LEVELS, logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "var")
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

DEBUG = env.boolean("DEBUG", False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])
CSRF_FAILURE_VIEW = "catalog.views.errors.page_too_old"


def _secret_key() -> str:
    """SECRET_KEY, else one made once and kept in DATA_DIR, readable by its owner alone."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    file = DATA_DIR / "secret_key"
    if not file.exists():
        made = DATA_DIR / f".secret_key.{secrets.token_hex(4)}"
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(60))
        with contextlib.suppress(FileExistsError):  # of two processes that start, one wins
            os.link(made, file)
        made.unlink()
    return file.read_text()


SECRET_KEY = _secret_key()


REDIS_SCHEMES = ("redis://", "rediss://", "redis+socket://", "memory://")
"""Celery takes others, and anything without a scheme, for brokers that nobody runs here. In memory:
for benchmarks, where nothing takes up what is sent."""


def _redis_url() -> str:
    """REDIS_URL, else the Redis of the demo that runs on this DATA_DIR and records where it is."""
    if url := os.environ.get("REDIS_URL"):
        if not url.startswith(REDIS_SCHEMES):
            raise ImproperlyConfigured(
                "REDIS_URL must start with redis://, rediss:// or redis+socket://, as in "
                "redis://localhost:6379/0."
            )
        return url
    recorded = DATA_DIR / "redis.url"
    started = recorded.read_text().strip() if recorded.exists() else ""
    return started or f"redis+socket://{DATA_DIR / 'redis.sock'}"


INSTALLED_APPS = [
    "catalog.apps.CatalogConfig",
    "worker.apps.WorkerConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
]

MIDDLEWARE = [
    "catalog.middleware.RequestLog",
    "catalog.middleware.NoNulls",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "catalog.middleware.DenyByDefault",
]

ROOT_URLCONF = "catalog.urls"
WSGI_APPLICATION = "catalog.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "catalog.context.page",
            ],
        },
    },
]

DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "db.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "catalog.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_AGE = env.integer("SESSION_HOURS", 12, minimum=1) * 3600
SESSION_SAVE_EVERY_REQUEST = False

LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_TZ = True
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = DATA_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "catalog.storage.DurableStorage"},
    "staticfiles": {"BACKEND": "catalog.storage.HashedStatic"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_KEEP_ONLY_HASHED_FILES = False

# Security. HTTPS is on unless the site is run plainly on one machine (`make demo` sets HTTPS=0).
HTTPS = env.boolean("HTTPS", not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = env.integer("HSTS_SECONDS", 31_536_000) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = HTTPS
X_FRAME_OPTIONS = "DENY"
if env.boolean("BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Operations
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# Uploads
UPLOAD_MAX_BYTES = env.integer("UPLOAD_MAX_MB", 20, minimum=1) * 1_000_000
UPLOAD_MAX_PIXELS = env.integer("UPLOAD_MAX_MEGAPIXELS", 50, minimum=1) * 1_000_000
UPLOAD_MIN_FREE_BYTES = env.integer("UPLOAD_MIN_FREE_MB", 200) * 1_000_000
UPLOAD_ZIP_MAX_BYTES = env.integer("UPLOAD_ZIP_MAX_MB", 500, minimum=1) * 1_000_000
UPLOAD_ZIP_MAX_FILES = env.integer("UPLOAD_ZIP_MAX_FILES", 2000, minimum=1)
UPLOAD_ZIP_MAX_UNPACKED = env.integer("UPLOAD_ZIP_MAX_UNPACKED_MB", 1000, minimum=1) * 1_000_000
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # form fields only; files stream to disk
FILE_UPLOAD_HANDLERS = ["catalog.uploads.NoUpload"]  # the views that take files have their own

# Queue and workers
REDIS_URL = _redis_url()
CLASSIFY_BATCH = env.integer("CLASSIFY_BATCH", 32, minimum=1)
CLASSIFIER_ENGINE = env.choice("CLASSIFIER_ENGINE", "auto", ("auto", "keras", "openvino"))
CLASSIFY_LEASE_SECONDS = env.integer("CLASSIFY_LEASE_SECONDS", 120, minimum=1)
CLASSIFY_MAX_ATTEMPTS = env.integer("CLASSIFY_MAX_ATTEMPTS", 5, minimum=1)
SWEEP_SECONDS = env.number("SWEEP_SECONDS", 5, minimum=0.1)

# Review
REVIEW_LEASE_SECONDS = env.integer("REVIEW_LEASE_SECONDS", 300, minimum=10)
REVIEW_RANDOM_SHARE = env.share("REVIEW_RANDOM_SHARE", 0.1)
REVIEW_BLIND_SHARE = env.share("REVIEW_BLIND_SHARE", 0.03)
SELECTIVE_PRECISION = env.share("SELECTIVE_PRECISION", 0.98, minimum=0.5, maximum=0.999)

# Training
CLASSIFIER_WEIGHTS = env.text("CLASSIFIER_WEIGHTS", "imagenet")
MODELS_DIR = env.folder("MODELS_DIR", DATA_DIR / "models")
RUNS_DIR = env.folder("RUNS_DIR", DATA_DIR / "runs")
RUN_LEASE_SECONDS = env.integer("RUN_LEASE_SECONDS", 120, minimum=5)
RETRAIN_MIN_CHANGED = env.integer("RETRAIN_MIN_CHANGED", 50, minimum=1)
RETRAIN_MIN_SHARE = env.share("RETRAIN_MIN_SHARE", 0.02)
RETRAIN_MIN_MINUTES = env.number("RETRAIN_MIN_MINUTES", 30)
RETRAIN_NIGHTLY_HOUR = env.integer("RETRAIN_NIGHTLY_HOUR", 2, maximum=23)
TRAINING_MIN_FREE_BYTES = env.integer("TRAINING_MIN_FREE_MB", 2_000) * 1_000_000

LOGGING_CONFIG = None
LOGGING = logging_config(
    as_json=env.boolean("LOG_JSON", True), level=env.choice("LOG_LEVEL", "INFO", LEVELS)
)
logging.config.dictConfig(LOGGING)
