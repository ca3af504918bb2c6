"""Every route of the product, and a world in which each of them leads somewhere.

`all_routes()` asks the URL resolver, so a new page is found the day it is born; `World.fill` gives it
an address. A route whose address needs an object that the world lacks fails the tests that walk it:
add the object to `build_world`.
"""

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from django.core.files.base import ContentFile
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from PIL import Image

from apps.catalog.models import LabelBatch, ModelOutput, Upload
from apps.catalog.services import (
    confirm_mapping,
    create_dataset,
    receive_upload,
    record_outcomes,
    set_price,
)
from apps.catalog.store import Items
from apps.catalog.tables import OutcomeTable
from apps.core.models import new_slug
from apps.core.vault import seal
from apps.hooks.services import create_webhook, ping_webhook
from apps.inference.endpoints.models import Endpoint
from apps.jobs.models import Job, Worker
from apps.leaderboards.models import Board
from apps.selection.models import Reservation
from apps.selection.services import Answer, record, start_session
from apps.sharing.models import ShareLink
from apps.teams import services as teams
from apps.teams.models import BrowserSession, Membership, Role, Team, User
from tests.inference.furniture import run_of, tournament_of
from tests.routing.furniture import evaluation_of, router_of, version_with_outcomes
from tests.selection.replays import finished_replay

# Stands in every name that the world's team gives: a stranger never reads it.
MARK = "Zirconia"
ITEMS = 24

_PARAMETER = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<(?:\w+:)?(\w+)>")

_CHOICE = re.compile(r"\(\?P<\w+>(\w+)(?:\|\w+)+\)")  # one of a few words: the first will do


@dataclass(frozen=True)
class Route:
    """`pattern` as the resolver knows it; `name` with its namespace."""

    name: str
    pattern: str
    view: Callable[..., Any]

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith("api/v1/")

    @property
    def is_admin(self) -> bool:
        return self.pattern.startswith("admin/")

    @property
    def parameters(self) -> list[str]:
        return [first or second for first, second in _PARAMETER.findall(self.pattern)]

    def __str__(self) -> str:
        return f"{self.name} ({self.pattern})"


def all_routes() -> list[Route]:
    """Every address pattern of the project, each once, in the resolver's order."""
    found = {route.pattern: route for route in reversed(list(_walk(get_resolver(), "", "")))}
    return list(reversed(found.values()))


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern).lstrip("^").removesuffix("$").replace(r"\.", ".")
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, pattern, inner)
        elif isinstance(entry, URLPattern):
            pattern = pattern.removesuffix(r"\Z").removesuffix("/?")
            yield Route(f"{namespace}{entry.name}", pattern, entry.callback)


class MissingObject(LookupError):
    """A route needs an object that `build_world` does not make."""


@dataclass
class World:
    """One of everything that `team` can own. `objects`: by (word before the parameter, parameter)."""

    team: Team
    objects: dict[tuple[str, str], Any]

    def body(self, route: Route) -> dict[str, Any]:
        """What a write must name so that it is about an object of this world."""
        board, dataset = self.objects["boards", "slug"], self.objects["datasets", "slug"]
        bodies = {
            "api:board-list": {"dataset": dataset, "name": MARK},
            "api:selection-list": {"dataset": dataset},
            "api:replay-list": {"dataset": dataset},
            "api:evaluation-list": {
                "dataset": self.objects["prompts", "slug"],
                "encoder": "hashing",
            },
            "api:router-list": {"dataset": self.objects["prompts", "slug"], "encoder": "hashing"},
            "api:model-source-list": {
                "name": MARK,
                "kind": "text-classification",
                "location": "mill/grain",
            },
            "api:run-list": {
                "dataset": self.objects["prompts", "slug"],
                "source": self.objects["model-sources", "pk"],
            },
            "api:tournament-list": {
                "dataset": self.objects["prompts", "slug"],
                "sources": [self.objects["model-sources", "pk"]] * 3,
                "scorer": "exact",
                "budget": 9,
            },
            "api:router-route": {"prompt": MARK},
            "api:router-serve": {"number": 1},
            "api:share-link-list": {"board": board},
            "api:webhook-list": {
                "name": MARK,
                "url": "https://93.184.215.14/hook",
                "events": ["job.failed"],
            },
            "api:webhook-switch": {"active": True},
            "api:endpoint-list": {"name": MARK, "base_url": "https://93.184.215.14/v1"},
            "api:endpoint-test": {"model": MARK},
            "api:share-link-revoke-chosen": {"ids": [self.objects["share-links", "pk"]]},
            "api:openai-chat": {"model": MARK},
            "api:cases": {"run": self.objects["runs", "slug"]},
            "api:model-list": {"name": f"{MARK} new model"},
            "api:price-list": {
                "model": self.objects["models", "slug"],
                "valid_from": "2026-02-01",
                "per_call": "0.01",
            },
            "api:upload-list": {
                "purpose": "models",
                "file": ContentFile(b"model,provider\nnew,x\n", "models.csv"),
            },
        }
        return bodies.get(route.name, {})

    def fill(self, route: Route) -> str:
        """An address of this route that leads to the world's objects."""
        pattern, path = route.pattern, ""
        while (match := _PARAMETER.search(pattern)) is not None:
            path += pattern[: match.start()]
            words = re.findall(r"[\w-]+", path)
            key = (words[-1] if words else "", match[1] or match[2])
            if (choice := _CHOICE.fullmatch(match[0])) is not None:
                path += choice[1]
            elif key in self.objects:
                path += str(self.objects[key])
            else:
                raise MissingObject(f"{route}: tests/routes.py has no object for {key}")
            pattern = pattern[match.end() :]
        return "/" + path + pattern


def build_world(team: Team, owner: User, run_jobs: Callable[[], list[Job]]) -> World:
    """Make one of everything in `team` through the services, as its admin `owner`."""
    version = create_dataset(user=owner, team=team, name=f"{MARK} grains", items=_items())
    _upload(owner, version, "predictions", _predictions())
    labels = _upload(owner, version, "labels", _labels())
    run_jobs()
    board = Board.objects.get(version=version)
    board.refresh_from_db()
    model = ModelOutput.objects.filter(version=version).earliest("created_at").model
    outcomes = OutcomeTable.of(
        prompt_ids=["item-0", "item-1"],
        prompts=["", ""],
        model_names=["model-x", "model-y"],
        score=np.array([[1, 0], [0.5, 1]]),
        in_tokens=[[10, 20], [30, 40]],
        out_tokens=[[1, 2], [3, 4]],
    )
    record_outcomes(user=owner, version=version, outcomes=outcomes)
    price = set_price(
        user=owner,
        model=model,
        valid_from=date(2026, 1, 1),
        input_per_million=Decimal(1),
        output_per_million=Decimal(2),
        source=MARK,
    )
    run_jobs()
    waiting = _upload(owner, version, "labels", _labels(), confirm=False)
    job = Job.objects.create(
        team=team, created_by=owner, kind="jobs.selftest", title=f"{MARK} job", params={}
    )
    worker = Worker.objects.create(name=f"{MARK}-worker", seen_at=timezone.now())
    member = Membership.objects.create(
        team=team,
        user=User.objects.create_user("member@example.org", name=MARK),
        role=Role.ANNOTATOR,
    )
    secret, digest = teams.new_secret()
    link = ShareLink.objects.create(
        team=team,
        created_by=owner,
        board=board,
        token_hash=digest,
        prefix=secret[:8],
        note=MARK,
        expires_at=timezone.now() + timedelta(days=1),
    )
    invitation, invitation_secret = teams.invite(
        user=owner, team=team, email=f"{MARK}@example.org", role=Role.VIEWER
    )
    token, _ = teams.create_token(user=owner, team=team, name=MARK, scope=Role.VIEWER)
    selection = start_session(user=owner, version=version, name=f"{MARK} selection")
    record(user=owner, session=selection, answer=Answer(ITEMS - 1, "label", "cat", f"{MARK} note"))
    Reservation.objects.create(
        session=selection, annotator=member.user, item=ITEMS - 1, second=True, until=timezone.now()
    )
    record(
        user=member.user,
        session=selection,
        answer=Answer(ITEMS - 1, "label", "dog", f"{MARK} else"),
    )
    hook, _ = create_webhook(
        user=owner,
        team=team,
        name=f"{MARK} listener",
        url="https://93.184.215.14/hook",
        events=["job.failed"],
    )
    prompts = version_with_outcomes(team, owner, f"{MARK} prompts")
    evaluation = evaluation_of(prompts, owner, f"{MARK} evaluation")
    router = router_of(prompts, owner, f"{MARK} router")
    address = f"http://127.0.0.1:9/{MARK}"  # which no test may call: the guard refuses it
    endpoint = Endpoint.objects.create(
        team=team,
        created_by=owner,
        name=f"{MARK} endpoint",
        slug=new_slug(MARK),
        base_url=address,
        sealed_key=seal(f"{MARK}-secret-key", bound_to=address),
    )
    run = run_of(prompts, owner, f"{MARK} candidate")
    objects = {
        ("boards", "slug"): board.slug,
        ("boards", "pk"): board.pk,
        ("deliveries", "pk"): ping_webhook(user=owner, webhook=hook).pk,
        ("datasets", "slug"): version.dataset.slug,
        ("datasets", "pk"): version.dataset.pk,
        ("endpoints", "slug"): endpoint.slug,
        ("evaluations", "pk"): evaluation.pk,
        ("invitations", "pk"): invitation.pk,
        ("invitations", "token"): invitation_secret,
        ("items", "index"): 0,
        ("jobs", "pk"): job.pk,
        ("keys", "pk"): 1,  # allauth's security keys
        ("label-batches", "pk"): LabelBatch.objects.get(version=version).pk,
        ("labels", "pk"): LabelBatch.objects.get(version=version).pk,
        ("links", "pk"): link.pk,
        ("members", "pk"): member.pk,
        ("models", "pk"): model.pk,
        ("models", "slug"): model.slug,
        ("numbers", "slug"): "board",
        ("oidc", "provider_id"): "organisation",
        ("outcomes", "pk"): version.outcome_batches.get().pk,
        ("prompts", "slug"): prompts.dataset.slug,
        ("predictions", "pk"): version.prediction_batches.get().pk,
        ("prices", "pk"): price.pk,
        ("routers", "slug"): router.slug,
        ("model-sources", "pk"): run.source_id,
        ("runs", "slug"): run.slug,
        ("replays", "pk"): finished_replay(owner, version).pk,
        ("s", "token"): secret,
        ("selections", "pk"): selection.pk,
        ("sessions", "pk"): BrowserSession.objects.create(
            user=owner, session_key=MARK.lower(), agent=MARK
        ).pk,
        ("share-links", "pk"): link.pk,
        ("signin", "token"): teams.make_sign_in_link(owner).split("/")[2],
        ("teams", "pk"): team.pk,
        ("tokens", "pk"): token.pk,
        ("tournaments", "slug"): tournament_of(run, f"{MARK} candidate").slug,
        ("uploads", "pk"): waiting.pk,
        ("v", "number"): version.number,
        ("versions", "pk"): version.pk,
        ("webhooks", "pk"): hook.pk,
        ("workers", "pk"): worker.pk,
    }
    assert labels.pk != waiting.pk
    return World(team, objects)


def _items() -> Items:
    picture = io.BytesIO()
    Image.new("L", (4, 4), 128).save(picture, "PNG")
    return Items(
        ids=[f"item-{n}" for n in range(ITEMS)],
        texts=[f"{MARK} text {n}" for n in range(ITEMS)],
        images=[picture.getvalue()] * ITEMS,
        slices={"site": [f"{MARK} {n % 2}" for n in range(ITEMS)]},
    )


def _predictions() -> str:
    rows = ["item_id,model-x,model-y,model-z"]
    classes = ("cat", "dog", "bird")
    for n in range(ITEMS):
        rows.append(f"item-{n},{classes[n % 3]},{classes[n % 2]},{classes[n % 3 if n % 5 else 0]}")
    return "\n".join(rows)


def _labels() -> str:
    return "\n".join(
        ["item_id,label"] + [f"item-{n},{('cat', 'dog', 'bird')[n % 3]}" for n in range(9)]
    )


def _upload(owner: User, version: Any, purpose: str, text: str, confirm: bool = True) -> Upload:
    upload = receive_upload(
        user=owner,
        team=version.team,
        file=ContentFile(text.encode()),
        filename=f"{MARK} {purpose}.csv",
        purpose=purpose,
        version=version,
    )
    if confirm:
        confirm_mapping(user=owner, upload=upload)
    return upload
