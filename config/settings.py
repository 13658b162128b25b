"""All settings, read strictly from the environment. What is unsafe together is reported by ``config.checks``."""

from pathlib import Path

import environ

from config.embedded import EmbeddedServices

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Where data lives, and which services hold it -----------------------------------------------------------------
DATA_DIR = Path(env.str("SALLYPORT_DATA_DIR", default=str(BASE_DIR / "data")))
EMBEDDED = EmbeddedServices(DATA_DIR)
DATABASES = {"default": env.db_url("DATABASE_URL", default=EMBEDDED.database_url)}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
DATABASES["default"]["ATOMIC_REQUESTS"] = False
REDIS_URL = env.str("REDIS_URL", default=EMBEDDED.broker_url)
USES_EMBEDDED_DATABASE = "DATABASE_URL" not in env.ENVIRON
USES_EMBEDDED_BROKER = "REDIS_URL" not in env.ENVIRON

# --- Who may ask --------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Demo mode offers the demo people as buttons on the sign-in page; it is refused on a database with real data.
DEMO_MODE = env.bool("SALLYPORT_DEMO", default=False)

# --- Keys of clusters: the portal seals with the public key, the pusher alone opens with the private one ----------
CREDENTIAL_SEALING_KEY = env.str("SALLYPORT_SEALING_KEY", default="")
CREDENTIAL_OPENING_KEYS = env.list("SALLYPORT_OPENING_KEYS", default=[])

# --- The ledger's heads are signed with this Ed25519 seed (base64) when they are exported ---------------------------
LEDGER_SIGNING_KEY = env.str("SALLYPORT_LEDGER_KEY", default="")

# --- The one door out ---------------------------------------------------------------------------------------------
ALLOW_LOOPBACK_CLUSTERS = env.bool("SALLYPORT_ALLOW_LOOPBACK_CLUSTERS", default=False)

# --- Applications -------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config",
    "api",
    "audits",
    "rollouts",
    "governance",
    "flows",
    "allowlist",
    "clusters",
    "notifications",
    "ledger",
    "accounts",
    "accounts.administration.AdministrationConfig",  # the admin site: read-only, without a sign-in door of its own
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "guardian",
    "knox",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "ledger.origin.OriginMiddleware",
    "config.errors.DomainErrorMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
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
                "config.shell.shell",
            ],
        },
    }
]
FORM_RENDERER = "config.forms.FieldRenderer"

# --- Signing in ---------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
ANONYMOUS_USER_NAME = None  # guardian: nobody has rights without signing in
GUARDIAN_AUTO_PREFETCH = False
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "username"
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "accounts.views.locked_out"

# --- Cookies and transport ----------------------------------------------------------------------------------------
# Plain HTTP is only for loopback use; checks report it on anything else.
PLAIN_HTTP = env.bool("SALLYPORT_PLAIN_HTTP", default=False)
SESSION_COOKIE_NAME = "sallyport_session" if PLAIN_HTTP else "__Host-sallyport_session"
SESSION_COOKIE_SECURE = not PLAIN_HTTP
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "sallyport_csrf" if PLAIN_HTTP else "__Host-sallyport_csrf"
CSRF_COOKIE_SECURE = not PLAIN_HTTP
CSRF_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = not PLAIN_HTTP
SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_TLS_PROXY", default=False) else None
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- Language, time, files ----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / "build" / "static"
# On one machine files are served from where they lie; in production from what collectstatic hashed and compressed.
STATIC_IN_PLACE = env.bool("SALLYPORT_STATIC_IN_PLACE", default=False)
WHITENOISE_USE_FINDERS = STATIC_IN_PLACE
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if STATIC_IN_PLACE
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="sallyport@localhost")
PUBLIC_ADDRESS = env.str("SALLYPORT_PUBLIC_ADDRESS", default="")  # for links in mail

# --- REST API -----------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "api.authentication.TokenAuthentication",
        "api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.InScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "api.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "api.schema.Schema",
    "EXCEPTION_HANDLER": "api.errors.as_response",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
}
REST_KNOX = {
    "SECURE_HASH_ALGORITHM": "hashlib.sha512",
    "AUTH_TOKEN_CHARACTER_LENGTH": 64,
    "TOKEN_MODEL": "accounts.ApiToken",
    "AUTO_REFRESH": False,
    "TOKEN_PREFIX": "sp_",
    "AUTH_HEADER_PREFIX": "Bearer",
}
# Our own model takes the place of knox's table, which would otherwise be made and stay empty.
MIGRATION_MODULES = {"knox": None}
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105  the name of a model
SPECTACULAR_SETTINGS = {
    "TITLE": "Sallyport",
    "DESCRIPTION": "The system of record for what may leave a fleet of Kubernetes clusters.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "MembershipKindEnum": "accounts.models.Membership.Kind",
        "RoleEnum": "accounts.models.Role",
        "OriginEnum": "ledger.models.Origin",
        "ClusterStateEnum": "clusters.models.Cluster.State",
        "ContactKindEnum": "clusters.models.Contact.Kind",
        "ContactStateEnum": "clusters.models.Contact.State",
        "TierEnum": "clusters.models.Tier",
        "RevisionKindEnum": "allowlist.models.EntryRevision.Kind",
        "RequestKindEnum": "governance.models.EgressRequest.Kind",
        "RequestStateEnum": "governance.models.EgressRequest.State",
        "ApprovalDecisionEnum": "governance.models.Approval.Decision",
        "RolloutStateEnum": "rollouts.models.Rollout.State",
        "RolloutTargetStateEnum": "rollouts.models.RolloutTarget.State",
        "PushStateEnum": "rollouts.models.NamespacePush.State",
        "DriftDifferenceEnum": "rollouts.models.DriftFinding.Difference",
        "DriftResolutionEnum": "rollouts.models.DriftFinding.Resolution",
        "CampaignStateEnum": "audits.models.Campaign.State",
        "CampaignDecisionEnum": "audits.models.CampaignRow.Decision",
        "OnSilenceEnum": "audits.models.Campaign.OnSilence",
        "VerdictEnum": "flows.models.Verdict",
    },
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

# --- Work in the background: rows in the database are the work, messages only wake somebody up ---------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "socket_keepalive": True, "health_check_interval": 10}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 270
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "work"
PUSHER_QUEUE = "pusher"
# Tasks that need the opening key; the pusher consumes this queue and no other process does.
CELERY_TASK_ROUTES = {
    "rollouts.tasks.push_due": {"queue": PUSHER_QUEUE},
    "rollouts.tasks.compare_due": {"queue": PUSHER_QUEUE},
    "clusters.tasks.run_contacts": {"queue": PUSHER_QUEUE},
}
SWEEP_SECONDS = env.int("SALLYPORT_SWEEP_SECONDS", default=20)
# A wake-up that nobody took in time is not worth keeping: the next one finds the same rows.
SWEEP = {"schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS}}
CELERY_BEAT_SCHEDULE = {
    "push-due": {"task": "rollouts.tasks.push_due", **SWEEP},
    "compare-due": {"task": "rollouts.tasks.compare_due", **SWEEP},
    "run-contacts": {"task": "clusters.tasks.run_contacts", **SWEEP},
    "schedule-inventories": {"task": "clusters.tasks.schedule_inventories", "schedule": 60.0},
    "advance-rollouts": {"task": "rollouts.tasks.advance", "schedule": SWEEP_SECONDS},
    "bump-expired": {"task": "allowlist.tasks.bump_expired", "schedule": 60.0},
    "lapse-requests": {"task": "governance.tasks.lapse_unanswered", "schedule": 300.0},
    "ensure-campaign": {"task": "audits.tasks.ensure_campaign", "schedule": 3600.0},
    "remind-and-close-campaigns": {"task": "audits.tasks.remind_and_close", "schedule": 300.0},
    "forget-old-calls": {"task": "api.tasks.forget_old_calls", "schedule": 3600.0},
    "deliver-notifications": {"task": "notifications.tasks.deliver_due", "schedule": 30.0},
}
COMPARE_EVERY_SECONDS = env.int("SALLYPORT_COMPARE_EVERY_SECONDS", default=300)
PUSH_LEASE_SECONDS = env.int("SALLYPORT_PUSH_LEASE_SECONDS", default=60)
UNKNOWN_AFTER_SECONDS = env.int("SALLYPORT_UNKNOWN_AFTER_SECONDS", default=1800)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
}
# --- Silenced deployment checks, each for a reason -----------------------------------------------------------------
SILENCED_SYSTEM_CHECKS: list[str] = []
