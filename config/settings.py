"""Every setting, read once from the environment; what is wrong stops the start with words."""

import shlex
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.secrets import kept_secret, sandbox_secret

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("TESSERA_VAR", default=str(BASE_DIR / "var")))

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("TESSERA_DEMO", default=False)


def _secret_key() -> str:
    """Return the key from the environment, or one kept in var/ for a machine of one's own."""
    given: str = env.str("SECRET_KEY", default="")
    if given:
        return given
    if env.str("DATABASE_URL", default="") and not DEMO:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set it to 50 or more random characters, the same for "
            "web, worker and beat."
        )
    return kept_secret(VAR_DIR / "secrets", "django-secret-key")


SECRET_KEY = _secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "config",
    "notices",
    "scoring",
    "billing",
    "vouchers",
    "providers",
    "safeguards",
    "ledger",
    "policy",
    "parties",
    "common",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "oauth2_provider",
    "csp",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.language",
    "config.middleware.no_null_characters",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.middleware.refusals",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
FORM_RENDERER = "config.forms.TesseraRenderer"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "common.formatting",
                "django.templatetags.i18n",
                "django.templatetags.static",
            ],
            "libraries": {"when_paid": "billing.views.when_paid"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.navigation.portal",
            ],
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL", default="postgresql:///tessera")}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
DATABASES["default"]["CONN_MAX_AGE"] = env.int("DATABASE_CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "parties.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "config.accounts.InvitedOnly"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_PREVENT_ENUMERATION = True
# The demo's browser tests sign in many people from one address within a minute.
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip", "login_failed": "10/m/ip,5/5m/key"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Tessera"
SESSION_COOKIE_AGE = 2 * 3600
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("TESSERA_HTTPS", default=False)

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

EMAIL_BACKEND = env.str(
    "EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_HOST = env.str("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="tessera@example.org")
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000")

# Which organisations an authority has to do with, as each app knows it (parties/dealings.py).
DEALINGS = (
    "providers.queries.accreditation.organisations_accredited_by",
    "vouchers.queries.organisations_that_asked",
)
# What apps above say beside lines of use: columns, rows and the lines' keys come to more of both.
BESIDE_USE = ("billing.views.evidence.beside_use",)
# Registers are asked at REGISTER_URL_CONDUCT and the like, or else read from this folder's
# files; one with neither is not connected (docs/registers.md).
REGISTERS_FOLDER = env.str("REGISTERS_FOLDER", default=str(VAR_DIR / "registers"))
REGISTER_URLS = {
    kind: env.str(f"REGISTER_URL_{kind}", default="")
    for kind in ("BUSINESS", "CONDUCT", "OWNERSHIP", "AID")
}
REGISTER_TIMEOUT_SECONDS = env.int("REGISTER_TIMEOUT_SECONDS", default=5)

# The largest file that a provider may send; a row costs about 120 bytes.
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
USAGE_FILE_BYTES_MAX = 512 * 1024 * 1024
# A larger usage file is read by the worker, and its sender sees how far it has come.
USAGE_FILE_NOW_BYTES_MAX = 8 * 1024 * 1024
# A page of telemetry, and how far billed may lie above seen before it is said: the larger of a
# share in thousandths and an amount in GPU-milliseconds (a tenth of a GPU-hour).
TELEMETRY_BYTES_MAX = 32 * 1024 * 1024
EVIDENCE_TOLERANCE_THOUSANDTHS = 10
EVIDENCE_TOLERANCE_MS = 360_000
# A command that reads a file on its standard input and ends with 0 (clean) or 1 (infected), such
# as `clamdscan --no-summary -`; empty: files are kept unscanned.
ATTACHMENT_SCANNER = shlex.split(env.str("ATTACHMENT_SCANNER", default=""))
# For how many days a changed bank detail is not paid yet, so that whose it is can stop it.
BANK_DETAIL_COOLING_OFF_DAYS = env.int("BANK_DETAIL_COOLING_OFF_DAYS", default=7)

# Usage lines are put into files of this folder (docs/decisions/0024-usage-archive.md) when the end
# of their month is so many days ago; 93 days are the least that the database allows.
USAGE_ARCHIVE_FOLDER = env.str("USAGE_ARCHIVE_FOLDER", default=str(VAR_DIR / "archive"))
USAGE_ARCHIVED_AFTER_DAYS = env.int("USAGE_ARCHIVED_AFTER_DAYS", default=1_096)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["providers.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "providers.api.problems.answer_problem",
    "UNAUTHENTICATED_USER": None,
}
# How many requests a key may make in a minute of the clock, and how many proxies stand before
# the portal, each of which adds the address it was called from to X-Forwarded-For.
API_REQUESTS_A_MINUTE = env.int("API_REQUESTS_A_MINUTE", default=1_200)
TRUSTED_PROXIES = env.int("TESSERA_PROXIES", default=0)
# Clients get tokens by their own credentials alone (docs/decisions/0020-keys-and-clients.md);
# of a token, its SHA-256 is kept.
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER = {
    "SCOPES_BACKEND_CLASS": "providers.authentication.ClientScopes",
    "OAUTH2_VALIDATOR_CLASS": "providers.authentication.ClientValidator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 600,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
}
# Events are sent to public addresses alone; the demo and tests also send to the machine itself.
WEBHOOKS_TO_LOOPBACK = env.bool("WEBHOOKS_TO_LOOPBACK", default=DEMO)
# Where test keys work: a portal of its own on another database (docs/decisions/0021-sandbox.md).
# Empty: there is none. This process is one of the sandbox's with TESSERA_IS_SANDBOX.
SANDBOX_URL = env.str("SANDBOX_URL", default="")
SANDBOX_STARTS = env.bool("TESSERA_SANDBOX", default=DEMO)
IS_SANDBOX = env.bool("TESSERA_IS_SANDBOX", default=False)
SANDBOX_KEY = SECRET_KEY if IS_SANDBOX else sandbox_secret(SECRET_KEY)
if IS_SANDBOX:
    # Cookies know no ports: without names of their own both portals would sign each other out.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "sandbox_sessionid", "sandbox_csrftoken"
SPECTACULAR_SETTINGS = {
    "TITLE": "Tessera API",
    "DESCRIPTION": "For compute providers: redeem vouchers, report usage, send bills.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "providers.api.description.with_headers",
        "providers.api.description.with_links",
    ],
    "WEBHOOKS": [
        "notices.api.PROVIDER_SUSPENDED",
        "notices.api.PROVIDER_SUSPENSION_LIFTED",
        "notices.api.ORDER_PLACED",
        "notices.api.ORDER_ACCEPTED",
        "notices.api.ORDER_DECLINED",
        "notices.api.ORDER_CHANGED",
        "notices.api.ORDER_USERS_CHANGED",
        "notices.api.ORDER_ASKED_ABOUT",
        "notices.api.ORDER_CANCELLED",
        "notices.api.ORDER_RELEASED",
        "notices.api.ORDER_LAPSED",
        "notices.api.USAGE_RECORDED",
        "notices.api.BILL_RECEIVED",
        "notices.api.BILL_SETTLED",
        "notices.api.BILL_LINE_DECIDED",
        "notices.api.PAYMENT_CONFIRMED",
        "notices.api.PAYMENT_RETURNED",
    ],
}

CELERY_BROKER_URL = env.str("BROKER_URL", default="memory://")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "tessera-sandbox" if IS_SANDBOX else "tessera"
CELERY_TASK_DEFAULT_EXCHANGE = CELERY_TASK_DEFAULT_QUEUE
CELERY_TASK_DEFAULT_ROUTING_KEY = CELERY_TASK_DEFAULT_QUEUE
CELERY_TIMEZONE = "UTC"
if CELERY_BROKER_URL.startswith("amqp"):
    CELERY_TASK_DEFAULT_QUEUE_TYPE = "quorum"
    CELERY_TASK_DEFAULT_EXCHANGE_TYPE = "topic"
    CELERY_WORKER_DETECT_QUORUM_QUEUES = True
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"confirm_publish": True}
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 900,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
