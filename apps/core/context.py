"""What every page's shell needs."""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

THEME_COOKIE = "theme"
# "" follows the reader's system.
THEMES = (("", "As the system"), ("light", "Light"), ("dark", "Dark"))
VERSION = version("assay")


class Place(NamedTuple):
    """A place of the product: its route, its name, the key that follows `g` to go there, and the
    beginnings of further addresses that belong below it."""

    route: str
    name: str
    key: str
    below: tuple[str, ...] = ()


NAVIGATION = (
    Place("board_list", "Boards", "b"),
    Place("selection_list", "Selections", "s", ("/replays/",)),
    Place("router_list", "Routers", "r", ("/evaluations/",)),
    Place("dataset_list", "Datasets", "d", ("/uploads/", "/label-batches/", "/predictions/")),
    Place("model_list", "Models", "m"),
    Place("run_list", "Runs", "u", ("/endpoints/", "/tournaments/")),
    Place("job_list", "Jobs", "j"),
)
SETTINGS = Place("team_settings", "Settings", "t", ("/accounts/", "/teams/"))


@dataclass(frozen=True)
class NavigationEntry:
    """A link of the shell. `here`: "page" on the page itself, "true" below it, else ""."""

    name: str
    url: str
    here: str
    key: str


def _entry(request: HttpRequest, place: Place, name: str = "") -> NavigationEntry | None:
    try:
        url = reverse(place.route)
    except NoReverseMatch:
        return None
    below = any(request.path.startswith(start) for start in (url, *place.below))
    here = "page" if request.path == url else "true" if below else ""
    return NavigationEntry(name or place.name, url, here, place.key)


def places(request: HttpRequest) -> list[NavigationEntry]:
    """The places of the product, in the order of the header; the team's settings last."""
    entries = [_entry(request, place) for place in (*NAVIGATION, SETTINGS)]
    return [entry for entry in entries if entry]


def shell(request: HttpRequest) -> dict[str, Any]:
    """The current team, the links of the header, the place this page is below, the appearance."""
    team = getattr(request, "team", None)
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    context: dict[str, Any] = {
        "team": team,
        "theme": chosen if chosen in dict(THEMES) else "",
        "themes": THEMES,
        "assay_version": VERSION,
    }
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        *navigation, _ = entries = places(request)
        context["navigation"] = navigation
        settings_entry = _entry(request, SETTINGS, team.name if team else "")
        context["account_navigation"] = [entry for entry in [settings_entry] if entry]
        above = [entry for entry in [*navigation, *context["account_navigation"]] if entry.here]
        context["place"] = next((entry for entry in above if entry.here == "true"), None)
        # Somebody in one team asks nothing for it.
        several = len(getattr(request.user, "roles", ())) > 1
        context["other_teams"] = (
            [other for other in request.user.teams.all() if other != team] if several else ()
        )
        context["keys_of_places"] = [NavigationEntry("Home", "/", "", "h"), *entries]
    return context
