"""The portal's settings. Production is the default; the environment is read only here.

Every variable read by `env*` is described in docs/settings.md; a test compares the two.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from cms.site_name import name_of_this_site
from tenants.api import PREFIX as API_PREFIX

BASE_DIR = Path(__file__).resolve().parents[2]


def env(name: str, default: str = "") -> str:
    """The variable's text, or `default` where it is unset or empty."""
    return os.environ.get(name) or default


def env_bool(name: str, *, default: bool = False) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off. Raises ImproperlyConfigured for anything else."""
    value = env(name, "1" if default else "0").strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}. Write 1 or 0.")


def env_int(name: str, default: int) -> int:
    """A whole number. Raises ImproperlyConfigured for anything else."""
    value = env(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {value!r}. Write a whole number, like {default}.") from None


# ---- This installation -------------------------------------------------------------------------
DEBUG = env_bool("DEBUG")
SECRET_KEY = env("SECRET_KEY")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Set it to a long random text, or run `make setup` first."
    )
DEMO = env_bool("PORTAL_DEMO")  # shows the demo's mail page and sign-ins; never in production

ALLIANCE_NAME = env("ALLIANCE_NAME", "Racial Equity Alliance")
ALLIANCE_TAGLINE = env("ALLIANCE_TAGLINE", "Governments for racial equity")
ALLIANCE_HOST = env("ALLIANCE_HOST", "portal.localhost")  # without a port
CITY_DOMAIN = env("CITY_DOMAIN", "localhost")  # a city's host is <slug>.<CITY_DOMAIN>
PORTAL_SCHEME = env("PORTAL_SCHEME", "https")
PORTAL_PORT = env("PORTAL_PORT")  # only if it is part of the addresses that visitors use
ALLIANCE_BASE_URL = f"{PORTAL_SCHEME}://{ALLIANCE_HOST}" + (f":{PORTAL_PORT}" if PORTAL_PORT else "")

# tenants.web.middleware checks hosts against the registry: an unknown host gets a 404.
ALLOWED_HOSTS = ["*"]

# ---- Apps, by the schema of their tables -------------------------------------------------------------
WAGTAIL = [
    "wagtail.contrib.forms",
    "wagtail.contrib.redirects",
    "wagtail.embeds",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
]
# Tables in every schema.
EVERY_SCHEMA_APPS = ["tenants.roles", "cms", *WAGTAIL, "django.contrib.sessions"]
# Tables in the public schema. `tenants` comes before `django_tenants`: its commands take precedence.
SHARED_APPS = [
    "tenants",
    "django_tenants",
    "accounts",
    "resources",
    "cohort",
    "search",
    *EVERY_SCHEMA_APPS,
    "allauth",
    "allauth.account",
    "django_tasks",
    "django_tasks_db",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
]
# Tables in each city's schema.
TENANT_APPS = ["tenants.plans", *EVERY_SCHEMA_APPS]
# No tables.
APPS_WITHOUT_TABLES = ["tenants.dashboard", "django.contrib.sitemaps"]
INSTALLED_APPS = SHARED_APPS + [app for app in TENANT_APPS if app not in SHARED_APPS] + APPS_WITHOUT_TABLES

TENANT_MODEL = "tenants.Jurisdiction"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True
TEMPLATE_SCHEMA = "template_city"  # migrated like a city; cloned for each new one
HOST_CACHE_SECONDS = 2  # a process serves from its cached registry of hosts this long
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SILENCED_SYSTEM_CHECKS = ["django_tenants.W003", "wagtailadmin.W003"]

ROOT_URLCONF = "config.urls_city"
PUBLIC_SCHEMA_URLCONF = "config.urls_alliance"
WSGI_APPLICATION = "config.wsgi.application"

MIDDLEWARE = [
    "tenants.web.middleware.HostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tenants.web.middleware.JurisdictionLocaleMiddleware",
    "tenants.web.page_cache.AnonymousPageCacheMiddleware",
    "django.middleware.common.CommonMiddleware",
    "tenants.interrupted.KeptTextMiddleware",  # before the check of CSRF tokens
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.signin.sessions.SessionEpochMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "tenants.web.middleware.LaunchMiddleware",
]

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
                "config.context.portal",
            ],
            "libraries": {"portal_tags": "config.templatetags.portal_tags"},
            "builtins": [
                "config.templatetags.portal_tags",
                "django.templatetags.i18n",
                "django.templatetags.static",
                "django.templatetags.l10n",
                "django.templatetags.tz",
            ],
        },
    }
]
FORM_RENDERER = "config.forms.USWDSRenderer"

# ---- Database, cache, jobs -----------------------------------------------------------------------------
DATABASE_URL = env("DATABASE_URL", "postgres://portal@127.0.0.1:5432/portal")
DATABASES = {
    "default": dj_database_url.parse(DATABASE_URL, engine="tenants.schemas.backend")
    | {
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": env_int("DATABASE_CONN_MAX_AGE", 60),
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    },
    # tenants.web.page_cache; apart, so that pages do not evict other entries.
    "pages": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "pages",
        "TIMEOUT": 600,
        "OPTIONS": {"MAX_ENTRIES": 256, "CULL_FREQUENCY": 4},
    },
}

TASKS = {"default": {"BACKEND": "tenants.jobs.backend.TenantBackend"}}
JOB_ATTEMPTS = 5  # then a job stays FAILED

# ---- People and sign-in ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2")]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "signin:login"
LOGIN_REDIRECT_URL = "signin:account"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an invitation's link already verifies the address
ACCOUNT_ADAPTER = "tenants.signin.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    name: f"tenants.signin.forms.{name.title().replace('_', '')}Form"
    for name in ("login", "reset_password", "reset_password_from_key", "change_password", "set_password")
}
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a change of the password is told by email
PASSWORD_RESET_TIMEOUT = 3600  # seconds that a link to a new password works
ACCOUNT_SESSION_REMEMBER = False  # for shared computers: the alliance's session ends with the browser

SESSION_COOKIE_NAME = env("SESSION_COOKIE_NAME", "__Host-portal")
CSRF_COOKIE_NAME = env("CSRF_COOKIE_NAME", "__Host-csrf")
SECURE_COOKIES = PORTAL_SCHEME == "https"
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "tenants.interrupted.csrf_failure"

# ---- Web security ----------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = SECURE_COOKIES and not env_bool("BEHIND_TLS_PROXY", default=True)
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env_bool("BEHIND_TLS_PROXY", default=True) else None
)
SECURE_HSTS_SECONDS = env_int("HSTS_SECONDS", 31_536_000 if SECURE_COOKIES else 0)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"  # Wagtail's preview shows the page in a frame on the same host
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, f"{PORTAL_SCHEME}://*.{CITY_DOMAIN}:*", f"{PORTAL_SCHEME}://{ALLIANCE_HOST}:*"],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
        "base-uri": [NONE],
        "manifest-src": [SELF],
        "media-src": [SELF],
    },
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "geolocation", "microphone", "payment", "usb")
}

# In /.well-known/security.txt: where to report a weakness, and the page about such reports.
SECURITY_CONTACT = env("SECURITY_CONTACT").split()
SECURITY_POLICY = env("SECURITY_POLICY").split()
if not all(url.startswith(("mailto:", "https://", "tel:")) for url in SECURITY_CONTACT + SECURITY_POLICY):
    raise ImproperlyConfigured(
        "SECURITY_CONTACT and SECURITY_POLICY are addresses like mailto:security@example.org or https://example.org/."
    )

# ---- Language and time; a city's own are activated for each request -------------------------------------------
LANGUAGE_CODE = "en-us"
LANGUAGES = [("en-us", _("English"))]  # only complete translations
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["config.formats"]
USE_I18N = True
USE_THOUSAND_SEPARATOR = True  # in templates: `|unlocalize` for ids and years
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", "America/Chicago")

# ---- Files -----------------------------------------------------------------------------------------------
VAR_DIR = Path(env("PORTAL_VAR_DIR", str(BASE_DIR / "var")))
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env("MEDIA_ROOT", str(VAR_DIR / "media")))
MEDIA_URL = "/media/"
MULTITENANT_RELATIVE_MEDIA_ROOT = "%s"
STORAGES = {
    "default": {"BACKEND": "django_tenants.files.storage.TenantFileSystemStorage"},
    "staticfiles": {
        # Compression takes half a minute: not for a demo.
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
        if DEMO
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000

# ---- Email ------------------------------------------------------------------------------------------------
EMAIL_URL = env("EMAIL_URL")
MAIL_DIR = VAR_DIR / "mail"
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", f"portal@{ALLIANCE_HOST}")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
if EMAIL_URL:
    _email_url = urlsplit(EMAIL_URL)  # smtp://user:password@host:587 or smtps://
    if _email_url.scheme not in {"smtp", "smtps"} or not _email_url.hostname:
        raise ImproperlyConfigured(
            f"EMAIL_URL is {EMAIL_URL!r}. Write it like smtp://user:password@mail.example.org:587."
        )
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = (
        _email_url.hostname,
        _email_url.port or (465 if _email_url.scheme == "smtps" else 587),
    )
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email_url.username or "", _email_url.password or ""
    EMAIL_USE_SSL = _email_url.scheme == "smtps"
    EMAIL_USE_TLS = _email_url.scheme == "smtp" and EMAIL_PORT != 25
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = MAIL_DIR

# ---- Wagtail ---------------------------------------------------------------------------------------------
WAGTAIL_SITE_NAME = name_of_this_site  # found out at each use
# No WAGTAILADMIN_BASE_URL: one address cannot be that of every city. Its emails are made by cms.editor_mail.
WAGTAILADMIN_NOTIFICATION_INCLUDE_SUPERUSERS = False  # the operator is in no city's team
WAGTAILADMIN_LOGIN_URL = LOGIN_URL
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
WAGTAILDOCS_MAX_UPLOAD_SIZE = 20 * 1024 * 1024
WAGTAILDOCS_SERVE_METHOD = "serve_view"
WAGTAILDOCS_INLINE_CONTENT_TYPES: list[str] = []  # a document is always a download
WAGTAILDOCS_EXTENSIONS = ["csv", "docx", "odt", "pdf", "pptx", "txt", "xlsx"]
WAGTAILIMAGES_MAX_UPLOAD_SIZE = 10 * 1024 * 1024
WAGTAILIMAGES_EXTENSIONS = ["gif", "jpg", "jpeg", "png", "webp"]
TAGGIT_CASE_INSENSITIVE = True

# ---- API -------------------------------------------------------------------------------------------------
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600)  # per IP address or user; 0: no limit
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.api.authentication.ReadOnlySessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],  # querysets filter by audience
    "DEFAULT_THROTTLE_CLASSES": ["tenants.api.throttling.PerMinuteThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "tenants.api.renderers.AcceptOrFormatNegotiation",
    "DEFAULT_FILTER_BACKENDS": ["tenants.api.parameters.StrictFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "tenants.api.pagination.KeyCursorPagination",
    "DEFAULT_SCHEMA_CLASS": "tenants.api.schema.PortalAutoSchema",
    "EXCEPTION_HANDLER": "tenants.api.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,  # AcceptOrFormatNegotiation reads `format`
    # The client's address, if a proxy is in front.
    "NUM_PROXIES": 1 if env_bool("BEHIND_TLS_PROXY", default=True) else 0,
}
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",
    "TITLE": f"{ALLIANCE_NAME}: API",
    "DESCRIPTION": (
        "What the members of the alliance publish: plans, actions and their status; a shared library; a search over "
        "all of it. Read only, no key needed."
    ),
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": API_PREFIX,
    "SORT_OPERATION_PARAMETERS": False,
    "SORT_OPERATIONS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["tenants.api.schema.add_other_methods"],
}

# ---- Search ----------------------------------------------------------------------------------------------
SEARCH_URL = env("SEARCH_URL")  # empty: PostgreSQL full-text search
SEARCH_FAMILY = env("SEARCH_FAMILY", "opensearch")  # or "elasticsearch"
SEARCH_PREFIX = env("SEARCH_PREFIX", "portal")  # of the names of the portal's indexes
SEARCH_CA_FILE = env("SEARCH_CA_FILE")

# ---- Logs ------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "wagtail": {"level": "WARNING"},
        # Their errors are logged once, by search.backends.
        "opensearch": {"level": "CRITICAL"},
        "opensearchpy.trace": {"level": "CRITICAL"},  # it would log the visitors' search queries
        "elastic_transport": {"level": "CRITICAL"},
    },
}
