"""Breadcrumbs lead from every page to the pages above it, on whatever route."""

import re
from collections.abc import Callable

from django.test import Client

from apps.jobs.models import Job
from apps.teams.models import Team, User
from tests.routes import all_routes, build_world

CRUMBS = re.compile(r'<nav class="crumbs".*?</nav>', re.DOTALL)


def test_whoever_is_below_a_page_finds_it_in_the_breadcrumbs(
    team: Team,
    alice: User,
    client_of: Callable[[User], Client],
    run_jobs: Callable[[], list[Job]],
) -> None:
    client = client_of(alice)
    world = build_world(team, alice, run_jobs)
    pages: dict[str, str] = {}
    for route in all_routes():
        if route.is_admin or route.is_api or route.pattern.startswith("accounts/"):
            continue
        address = world.fill(route)
        reply = client.get(address)
        if reply.status_code == 200 and "text/html" in reply.get("Content-Type", ""):
            pages[address] = reply.content.decode()
    lost = []
    for address, html in pages.items():
        crumbs = CRUMBS.search(html)
        if crumbs is None:
            continue
        above = [
            page
            for page in pages
            if page != address and address.startswith(page) and not page.endswith(("/new/", "//"))
        ]
        nearest = max(above, key=len, default="/")
        if nearest != "/" and f'href="{nearest}' not in crumbs[0]:
            lost.append(f"{address} does not lead to {nearest}")
    assert len(pages) > 50
    assert not lost, "\n".join(lost)
