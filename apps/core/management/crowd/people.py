"""What locust's users do: people with a browser each, who look around, label, and have scripts that ask the
API. Locust runs this file; nothing of Django is in it.
"""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, task

PLAN: dict[str, Any] = json.loads(Path(os.environ["ASSAY_CROWD_PLAN"]).read_text())
_ARRIVALS = iter(range(len(PLAN["people"])))
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
_STATIC = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_ITEM = re.compile(r'name="item" value="(\d+)"')
_CLASS = re.compile(r'name="label"\s+value="([^"]+)"')
QUESTIONS = ("What is 37 plus 48?", "How many metres are 3 miles?", "Is this review kind: lovely!")


class Person(FastHttpUser):
    """Signs in once, thinks for 1 to 5 seconds before each step, and labels in a selection of their own
    choice."""

    wait_time = between(1, 5)

    def on_start(self) -> None:
        """Sign in by an address that works once; a browser then fetches style and scripts."""
        number = next(_ARRIVALS)
        self.own = PLAN["selections"][number % len(PLAN["selections"])]
        path = PLAN["people"][number]
        page = self.client.get(path, name="/signin/…/").text or ""
        self._send(path, {}, page, "/signin/…/ (POST)")
        for address in dict.fromkeys(_STATIC.findall(page)):
            self.client.get(address, name="/static/…")

    def _think(self) -> None:
        self.wait()  # type: ignore[no-untyped-call]

    def _send(self, path: str, data: dict[str, str], page: str, name: str) -> str:
        """Send a form of a page; what came of it."""
        token = _TOKEN.search(page)
        fields = {**data, "csrfmiddlewaretoken": token[1] if token else ""}
        headers = {"Referer": f"{self.host}{path}", "HX-Request": "true", "HX-Target": "task"}
        return self.client.post(path, data=fields, headers=headers, name=name).text or ""

    @task(3)
    def home(self) -> None:
        """What needs me."""
        self.client.get("/", name="/")

    @task(6)
    def board(self) -> None:
        """A board, sorted or searched."""
        view = random.choice(("", "?sort=price", "?tied=1", "?q=svm", "?q=tree"))
        self.client.get(PLAN["board"] + view, name="/boards/…/")

    @task(4)
    def compare(self) -> None:
        """Two or three models, item by item."""
        models = ",".join(random.sample(PLAN["models"], random.choice((2, 3))))
        page = random.choice(("", "&page=2", "&page=3"))
        self.client.get(f"{PLAN['board']}compare/?models={models}{page}", name="/boards/…/compare/")

    @task(3)
    def selection(self) -> None:
        """Who leads."""
        self.client.get(self.own, name="/selections/…/")

    @task(4)
    def label(self) -> None:
        """Open the labelling page and answer a few items, a thought before each."""
        page = self.client.get(f"{self.own}label/", name="/selections/…/label/").text or ""
        for _ in range(random.randint(2, 5)):
            self._think()
            item, classes = _ITEM.search(page), _CLASS.findall(page)
            if not item or not classes:
                return
            data = {"item": item[1], "label": random.choice(classes)}
            page = self._send(f"{self.own}label/", data, page, "/selections/…/label/ (POST)")

    @task(3)
    def evaluation(self) -> None:
        """Whether routing helps, and the dial."""
        path = random.choice(PLAN["evaluations"])
        self.client.get(path, name="/evaluations/…/")
        for _ in range(2):
            self._think()
            self.client.get(
                f"{path}?dial={random.randint(0, 120)}",
                headers={"HX-Request": "true", "HX-Target": "dial"},
                name="/evaluations/…/?dial=",
            )

    @task(2)
    def look_around(self) -> None:
        """Lists, jobs, a search."""
        path = random.choice(("/boards/", "/models/", "/datasets/", "/routers/", "/jobs/"))
        self.client.get(path, name=path)
        self._think()
        self.client.get("/search/?q=svm", headers={"HX-Target": "found"}, name="/search/")

    @task(2)
    def shared(self) -> None:
        """A link that somebody sent."""
        self.client.get(PLAN["shared"], name="/s/…/")

    @task(4)
    def script(self) -> None:
        """What a program asks the API, one after another."""
        slug = PLAN["board"].split("/")[2]
        headers = {"Authorization": f"Bearer {PLAN['token']}"}
        self.client.get("/api/v1/boards/", headers=headers, name="/api/v1/boards/")
        self.client.get(
            f"/api/v1/boards/{slug}/result/", headers=headers, name="/api/v1/boards/…/result/"
        )
        self.client.post(
            f"/api/v1/routers/{PLAN['router']}/route/",
            json={"prompt": random.choice(QUESTIONS)},
            headers=headers,
            name="/api/v1/routers/…/route/",
        )
