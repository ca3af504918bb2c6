"""How the whole bears many people at once: `manage.py bench crowd`."""

from apps.core.management import crowd

STUDIES = {"crowd": crowd}
