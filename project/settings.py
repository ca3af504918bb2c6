"""Settings from the environment (12-factor): one file for every way to run.

With nothing set, Assay runs *embedded*: SQLite, a filesystem broker and local files in one data
folder, with a secret key made at the first start. Setting DATABASE_URL makes it *distributed*; from
then on no secret has a default. docs/reference/settings.md lists every variable.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import structlog
from csp.constants import NONE, SELF

from apps.core.embedded import make_folders, secret_key
from apps.core.logs import hide_secrets

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA_DIR = Path(env.str("ASSAY_DATA_DIR", default=str(BASE_DIR / "data"))).resolve()
EMBEDDED = "DATABASE_URL" not in env.ENVIRON
BROKER_URL = env.str("BROKER_URL", default="filesystem://localhost")
if EMBEDDED or BROKER_URL.startswith("filesystem:"):
    make_folders(DATA_DIR)
DEBUG = env.bool("DEBUG", default=False)

SECRET_KEY = (
    env.str("SECRET_KEY", default="") or secret_key(DATA_DIR) if EMBEDDED else env.str("SECRET_KEY")
)
# What seals secrets that must be read again: the first one seals, the others still open.
ENCRYPTION_KEYS: list[str] = env.list("ENCRYPTION_KEYS", default=[]) or [SECRET_KEY]
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000") if EMBEDDED else env.str("SITE_URL")
HTTPS = SITE_URL.startswith("https://")
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if EMBEDDED else environ.Env.NOTSET
)
CSRF_TRUSTED_ORIGINS = [SITE_URL] if HTTPS else []

# --- Applications --------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_filters",
    "django_htmx",
    "django_prometheus",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "template_partials",
    "apps.core",
    "apps.teams",
    "apps.jobs",
    "apps.hooks",
    "apps.catalog",
    "apps.inference",
    "apps.routing",
    "apps.selection",
    "apps.leaderboards",
    "apps.sharing",
]

MIDDLEWARE = [
    "apps.core.middleware.RequestLogMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Embedded, style and scripts are served as they lie there: they are packed like the pages.
    *(["django.middleware.gzip.GZipMiddleware"] if EMBEDDED else []),
    "whitenoise.middleware.WhiteNoiseMiddleware",
    *([] if EMBEDDED else ["django.middleware.gzip.GZipMiddleware"]),
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.teams.middleware.CurrentTeamMiddleware",
    "apps.core.middleware.PageHeadersMiddleware",
    "apps.teams.idempotency.IdempotencyMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"

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
                "apps.core.context.shell",
            ],
        },
    }
]

FORM_RENDERER = "apps.core.forms.Renderer"

# --- Database ------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'assay.sqlite3'}")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Measured: IMMEDIATE + WAL gave no lock error under 8 writing threads, the defaults hundreds.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;"
            "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-20000;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Files ---------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = EMBEDDED
BLOB_STORAGE: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": str(DATA_DIR / "files"), "base_url": None},
}
if "S3_BUCKET" in env.ENVIRON:
    from botocore.config import Config

    BLOB_STORAGE = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.str("S3_BUCKET"),
            "endpoint_url": env.str("S3_ENDPOINT_URL", default=None),
            "access_key": env.str("S3_ACCESS_KEY", default=None),
            "secret_key": env.str("S3_SECRET_KEY", default=None),
            "region_name": env.str("S3_REGION", default=None),
            # A store that hangs must not hold a job or a page up for minutes.
            "client_config": Config(
                s3={"addressing_style": env.str("S3_ADDRESSING_STYLE", default="auto")},
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "max_attempts": 3},
            ),
            "default_acl": None,
            "file_overwrite": True,
        },
    }
STORAGES = {
    "default": BLOB_STORAGE,
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if EMBEDDED
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=2 * 1024**3)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 6_000  # a form may name each of 5,000 columns of a file
FILE_UPLOAD_TEMP_DIR = env.str("FILE_UPLOAD_TEMP_DIR", default=None)

# --- Background work -----------------------------------------------------------------------------
CELERY_BROKER_URL = BROKER_URL
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "data_folder_in": str(DATA_DIR / "queue"),
        "data_folder_out": str(DATA_DIR / "queue"),
        "control_folder": str(DATA_DIR / "queue-control"),
        "polling_interval": 0.1,
    }
elif CELERY_BROKER_URL.startswith(("redis:", "rediss:")):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        # Above the longest job, or Redis would hand its message out again; losing one costs nothing.
        "visibility_timeout": 86400,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "global_keyprefix": env.str("JOB_QUEUE_PREFIX", default=""),
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = env.str("JOB_QUEUE_PREFIX", default="") + "default"
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = "UTC"
JOB_HEARTBEAT_SECONDS = env.float("JOB_HEARTBEAT_SECONDS", default=5.0)
JOB_LEASE_SECONDS = env.float("JOB_LEASE_SECONDS", default=30.0)
# An attempt that ended in an error is followed by the next one after this long, then twice this long.
JOB_RETRY_SECONDS = env.float("JOB_RETRY_SECONDS", default=10.0)
# So long after the last GPU worker was seen, workers of the queue default take its jobs.
JOB_GPU_WAIT_SECONDS = env.float("JOB_GPU_WAIT_SECONDS", default=120.0)
# Two installations that share a broker tell their queues apart by it.
JOB_QUEUE_PREFIX = env.str("JOB_QUEUE_PREFIX", default="")

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}

# --- People --------------------------------------------------------------------------------------
AUTH_USER_MODEL = "teams.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "apps.teams.adapter.InvitationOnlyAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # addresses come from invitations, none is chosen freely
# Another server may vouch for people, by OpenID Connect; docs/how-to/sign-in-with-oidc.md.
OIDC_SERVER_URL = env.str("OIDC_SERVER_URL", default="")
OIDC_NAME = env.str("OIDC_NAME", default="your organisation")
SOCIALACCOUNT_ADAPTER = "apps.teams.adapter.VouchedAdapter"
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "organisation",
                "name": OIDC_NAME,
                "client_id": env.str("OIDC_CLIENT_ID"),
                "secret": env.str("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ]
        if OIDC_SERVER_URL
        else [],
    }
}
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="assay@localhost")

# --- API -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.teams.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.Pages",
    "DEFAULT_FILTER_BACKENDS": ["apps.core.filters.Filters", "apps.core.filters.Listing"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.FlatJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.teams.throttling.PerMinute"],
    "EXCEPTION_HANDLER": "apps.core.api.exception_handler",
    "PAGE_SIZE": 50,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Assay",
    "DESCRIPTION": (
        "Which model is worth using, from few labels.\n\n"
        "Make a token under Settings and send it as `Authorization: Bearer <token>`. From two files to"
        " a verdict:\n\n"
        "1. `POST /api/v1/uploads/` with the form fields `file` and `purpose` (`predictions`), then"
        " again for `labels` with the first one's id as `lead`\n"
        "2. `POST /api/v1/uploads/{id}/commit/` with the first one's id; `GET` the upload until its"
        " `state` is `committed`\n"
        "3. `GET /api/v1/boards/`, the newest first, and `GET /api/v1/boards/{slug}/result/`\n"
    ),
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "JobState": "apps.jobs.models.State",
        "UploadState": "apps.catalog.models.Upload.State",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.openapi.document_errors",
    ],
}

# By a token, or a person without one; 0 counts nothing. Each process counts, unless CACHE_URL is shared.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=3000)

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
# Servers that may be called although their addresses are not public: `host` or `host:port`.
OUTBOUND_ALLOWED_HOSTS = [host.lower() for host in env.list("OUTBOUND_ALLOWED_HOSTS", default=[])]

# Models to run lie below this folder; nothing outside it is ever loaded.
INFERENCE_MODELS_DIR = env.str("INFERENCE_MODELS_DIR", default=str(DATA_DIR / "models"))
# Whether workers may fetch models from the hub, or run only what lies on their disks.
INFERENCE_HUB = env.bool("INFERENCE_HUB", default=True)
# Encoders of prompts on offer beside those that are always there: `transformers:<hub id or folder>`.
ROUTING_ENCODERS: list[str] = env.list("ROUTING_ENCODERS", default=[])

_oidc = urlsplit(OIDC_SERVER_URL)
OIDC_ORIGIN = [f"{_oidc.scheme}://{_oidc.netloc}"] if OIDC_SERVER_URL else []

# --- Safety --------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        # Signing in with another server is a form that leads there.
        "form-action": [SELF, *OIDC_ORIGIN],
        "frame-ancestors": [NONE],
        # Browsers that know it make no script of any text; static/trusted.js is the one policy.
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["default", "dompurify"],  # the latter is Swagger's own cleaner
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS and env.bool("SECURE_SSL_REDIRECT", default=True)
# Asked from inside, past the proxy that ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31536000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
# Checks for TLS are about a public address; the embedded default answers on loopback only.
SILENCED_SYSTEM_CHECKS = (
    ["security.W004", "security.W008", "security.W012", "security.W016"] if EMBEDDED else []
)
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = HTTPS

# --- Language, time, logs ------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

# One line a request, with its name, team and person; a terminal on somebody's desk is spared it.
LOG_REQUESTS = env.bool("LOG_REQUESTS", default=not EMBEDDED)
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(
                    # Plain: the fancy ones print local variables, secrets among them.
                    colors=False,
                    exception_formatter=structlog.dev.plain_traceback,
                )
                if EMBEDDED
                else structlog.processors.JSONRenderer(),
                hide_secrets,
            ],
            "foreign_pre_chain": _shared_processors,
        }
    },
    "filters": {"secrets": {"()": "apps.core.redaction.RedactSecrets"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["secrets"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {"apps": {"level": env.str("LOG_LEVEL", default="INFO")}},
}
structlog.configure(
    processors=[*_shared_processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
