"""Settings of the test run: the product's own, on services that the run started for itself."""

import os

from tests.services import ensure_database

os.environ.setdefault("SECRET_KEY", "tests-only-" + "0" * 50)
os.environ.setdefault("SALLYPORT_PLAIN_HTTP", "true")
os.environ.setdefault("SALLYPORT_ALLOW_LOOPBACK_CLUSTERS", "true")
os.environ.setdefault("EMAIL_URL", "memorymail://")
# Playwright's synchronous API keeps an event loop in the thread of the tests; nothing here runs inside of it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
ensure_database()

from config.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# No test waits for a broker: wake-ups go nowhere unless a test starts a real one.
CELERY_BROKER_URL = os.environ.get("REDIS_URL", "memory://")
