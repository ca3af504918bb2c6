"""What routing is worth: `manage.py bench routing OUTCOMES ...`."""

from __future__ import annotations

from apps.routing import study

STUDIES = {"routing": study}
