"""What every page's shell needs."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

THEME_COOKIE = "theme"
# "" follows the reader's system.
THEMES = (("", "As the system"), ("light", "Light"), ("dark", "Dark"))
VERSION = version("assay")
NAVIGATION = (
    ("board_list", "Boards"),
    ("selection_list", "Selections"),
    ("router_list", "Routers"),
    ("dataset_list", "Datasets"),
    ("model_list", "Models"),
    ("job_list", "Jobs"),
)


@dataclass(frozen=True)
class NavigationEntry:
    """A link of the shell. `here`: "page" on the page itself, "true" below it, else ""."""

    name: str
    url: str
    here: str


def _entry(request: HttpRequest, url_name: str, name: str) -> NavigationEntry | None:
    try:
        url = reverse(url_name)
    except NoReverseMatch:
        return None
    here = "page" if request.path == url else "true" if request.path.startswith(url) else ""
    return NavigationEntry(name, url, here)


def shell(request: HttpRequest) -> dict[str, Any]:
    """The current team, the links of the header and the chosen appearance."""
    team = getattr(request, "team", None)
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    context: dict[str, Any] = {
        "team": team,
        "theme": chosen if chosen in dict(THEMES) else "",
        "themes": THEMES,
        "assay_version": VERSION,
    }
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        entries = [_entry(request, *place) for place in NAVIGATION]
        settings_entry = _entry(request, "team_settings", team.name if team else "Settings")
        context["navigation"] = [entry for entry in entries if entry]
        context["account_navigation"] = [entry for entry in [settings_entry] if entry]
    return context
