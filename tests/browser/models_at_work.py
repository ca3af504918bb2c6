"""Models that have been run, with an error or without, and are being run: a process beside the site.

`python -m tests.browser.models_at_work start URL` prints the addresses of their pages, one a line;
`python -m tests.browser.models_at_work stop` ends what still runs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Callable

import django

from tests.partners.server import Answering, Asked, chat, reply

SECONDS = 300
QUESTIONS = 24
SLOW_ANSWERS = 5  # of a slow model, before it says nothing more
SHARES = {"good": 1, "fair": 2, "poor": 3}  # one answer of so many is right


def question(number: int) -> str:
    return f"What is {number} plus {number + 3}?"


def answering() -> Answering:
    """An endpoint with models of all sorts."""
    asked: Counter[str] = Counter()

    async def answer(one: Asked, out: asyncio.StreamWriter) -> None:
        model = str(one.json["model"])
        asked[model] += 1
        number = int(one.prompt.split()[2]) if one.prompt.startswith("What is") else 0
        if model == "refused":
            out.write(reply({"error": {"message": "no such key"}}, "401 Unauthorized"))
            return
        if model.startswith("slow") and asked[model] > SLOW_ANSWERS:
            await asyncio.sleep(3600)
        right = number % SHARES.get(model.split("-")[0], 1) == 0
        out.write(reply(chat(f"It is {2 * number + 3 if right else 'hard to say'}.")))

    return answer


def start(url: str) -> list[str]:
    """A run that ended and one that failed, a tournament that is over and one that goes on."""
    from apps.catalog.services import add_labels, create_dataset
    from apps.catalog.store import Items
    from apps.core.demo.people import ADMIN_EMAIL
    from apps.inference import services
    from apps.inference.endpoints.models import Endpoint
    from apps.inference.endpoints.services import create_endpoint
    from apps.inference.models import ModelSource, Run, Tournament
    from apps.teams.models import User

    user = User.objects.get(email=ADMIN_EMAIL)
    team = user.memberships.first().team  # type: ignore[union-attr]
    place = Endpoint.objects.count() + 1
    endpoint = create_endpoint(
        user=user,
        team=team,
        name=f"House {place}",
        base_url=url,
        key="sk-0123456789-abcdef",
        concurrency=4,
        requests_per_minute=6_000,
        timeout_seconds=600,
    )
    ids = [f"sum-{number}" for number in range(QUESTIONS)]
    items = Items(ids, texts=[question(number) for number in range(QUESTIONS)])
    version = create_dataset(user=user, team=team, name=f"Sums {place}", items=items)
    labels = {item: str(2 * number + 3) for number, item in enumerate(ids)}
    add_labels(user=user, version=version, labels=labels, chosen=False)

    def source(name: str) -> ModelSource:
        return services.add_source_by_name(
            user=user,
            team=team,
            name=f"{name} {place}",
            kind="endpoint",
            location=name,
            settings={"endpoint": endpoint.slug},
        )

    def run(name: str) -> Run:
        return services.start_run(user=user, version=version, source=source(name), scorer="numeric")

    def tournament(*names: str) -> Tournament:
        return services.start_tournament(
            user=user,
            version=version,
            sources=[source(name) for name in names],
            scorer="numeric",
            budget=2 * QUESTIONS,
        )

    over, ended, failed = tournament(*SHARES), run("steady"), run("refused")
    _until(lambda: all(type(one).objects.get(pk=one.pk).finished for one in (over, ended, failed)))
    going = tournament("slow-a", "slow-b", "slow-c")
    first = Run.objects.filter(places__tournament=going)
    _until(lambda: first.filter(answered=SLOW_ANSWERS).exists())
    return [
        f"/tournaments/{over.slug}/",
        f"/tournaments/{going.slug}/",
        f"/runs/{ended.slug}/",
        f"/runs/{failed.slug}/",
        f"/jobs/{failed.job_id}/",
        f"/endpoints/{endpoint.slug}/",
    ]


def stop() -> list[str]:
    """Cancel the tournaments that go on."""
    from apps.inference import services
    from apps.inference.models import Tournament

    for one in Tournament.objects.all():
        if one.created_by is not None:
            services.cancel(user=one.created_by, work=one)
    return []


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise SystemExit("The models did not come to where they should be.")
        time.sleep(0.3)


if __name__ == "__main__":
    django.setup()
    print(*(start(sys.argv[2]) if sys.argv[1] == "start" else stop()), sep="\n")
