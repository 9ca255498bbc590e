"""The settings of the application."""

import os
from urllib.parse import urlsplit

_ADDRESS = urlsplit(os.environ["DATABASE_URL"])

SECRET_KEY = "for-tests"
INSTALLED_APPS = ["billing"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _ADDRESS.path[1:],
        "HOST": _ADDRESS.hostname,
        "PORT": _ADDRESS.port,
        "USER": _ADDRESS.username,
        "OPTIONS": {"options": os.environ.get("PGOPTIONS", "")},
    }
}
