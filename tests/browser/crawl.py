"""Finds every page by following links, one or two for each route, as a person would."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urldefrag, urljoin, urlsplit

from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve
from playwright.sync_api import BrowserContext

from tests.browser.conftest import Site

EACH = 2  # so many pages of one route, so that one with more content is among them

# Routes that are no page to walk, with the reason.
NOT_WALKED = {
    "account_logout": "signs the walker out; its button is on every page",
    "account_login": "seen signed out, in test_signed_out_pages",
    "account_reset_password": "seen signed out, in test_signed_out_pages",
    "signin_link": "works once; the walker came in by it",
    "api_docs": "Swagger's own page",
    "schema": "a document for machines",
    "metrics": "a document for machines",
    "healthz": "a document for machines",
    "readyz": "a document for machines",
}
# Routes that are offered only in a state which does not last or is not made here.
NOT_OFFERED = {
    "board_refresh": "after a board's job failed",
    "boards_together": "to who has several boards",
    "delivery_again": "for a webhook, and none can be reached from here",
    "evaluation_refresh": "after an evaluation's job failed",
    "openid_connect_callback": "where a server vouches for people",
    "openid_connect_login": "where a server vouches for people",
    "router_roll_back": "for one of several versions",
    "shared_embed": "for a link that sites may show",
    "shared_unlock": "while a link asks for its password",
    "switch_team": "to members of several teams",
    "tournament_resume": "after a tournament was stopped",
    "version_delete": "for one of several versions",
    "webhook_delete": "for a webhook, and none can be reached from here",
    "webhook_detail": "for a webhook, and none can be reached from here",
    "webhook_ping": "for a webhook, and none can be reached from here",
    "webhook_switch": "for a webhook, and none can be reached from here",
}
# allauth brings pages for ways to sign in that are turned off, and steps that need a mail.
FOREIGN = re.compile(r"^(account|mfa|socialaccount|usersessions)_")

_ADDRESSES = re.compile(r'\b(href|src|srcset|action|hx-get|hx-post|data-chart)="([^"]+)"')


def page_routes() -> set[str]:
    """The names of all routes outside the API and the admin."""
    found: set[str] = set()

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, route)
            elif pattern.name and not route.startswith(("api/", "admin/")):
                found.add(pattern.name)

    walk(get_resolver().url_patterns, "")
    return found


def route_of(address: str) -> str | None:
    """The name of the route that answers at an address of the site; None outside its pages."""
    path = urlsplit(address).path
    if path.startswith(("/api/", "/admin/", "/static/")):
        return None
    try:
        return resolve(path).url_name
    except Resolver404:
        return None


@dataclass
class Found:
    """Pages by route, and the names of all routes that some page links, shows, fetches or posts to."""

    pages: dict[str, list[str]] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)

    @property
    def addresses(self) -> list[str]:
        return [address for some in self.pages.values() for address in some]


def crawl(context: BrowserContext, site: Site, starts: Sequence[str] = ()) -> Found:
    """Find the HTML pages that links lead to, from the first page and from `starts`, whose own links come
    last: what they show is theirs, and of everything else the richest pages stand at the way from the first.
    """
    waiting = [f"{site.address}/", *starts]
    later: list[str] = []
    seen: set[str] = set()
    taken: Counter[str] = Counter()
    found = Found()
    while waiting or later:
        address = (waiting or later).pop(0)
        route = route_of(address)
        if route is None or route in NOT_WALKED or address in seen or taken[route] >= EACH:
            continue
        seen.add(address)
        taken[route] += 1
        response = context.request.get(address)
        assert response.ok, "\n".join([f"{address} answered {response.status}", *site.lines[-60:]])
        if not response.headers.get("content-type", "").startswith("text/html"):
            continue
        found.pages.setdefault(route, []).append(address)
        for name, value in _ADDRESSES.findall(response.text()):
            target = urldefrag(urljoin(address, unescape(value).split()[0]))[0]
            if not target.startswith(site.address):
                continue
            found.mentioned.add(route_of(target) or "")
            if name == "href":
                (later if address in starts else waiting).append(target)
    return found
