"""One chat of somebody else, passed on to the endpoint of a registered model with the team's key."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from apps.core.outbound import Channel, OutboundError, Reply, TookTooLong
from apps.inference.endpoints import protocol
from apps.inference.endpoints.asking import Access, without_key
from apps.inference.endpoints.models import Endpoint
from apps.inference.endpoints.services import access_to
from apps.inference.endpoints.sharing import Crowded, Deleted, one_question
from apps.inference.models import ModelSource
from apps.teams.models import Role, Team, User
from apps.teams.services import require

MAX_SECONDS = 120
ENDPOINT = "endpoint"  # the kind of sources that can be called


class NotForwarded(Exception):
    """Why there is no answer, in a sentence; `status`: as HTTP says it. `retry_after`: as was asked for."""

    def __init__(self, status: int, sentence: str, retry_after: str = "") -> None:
        super().__init__(sentence)
        self.status, self.retry_after = status, retry_after


@dataclass(frozen=True)
class Forwarded:
    """What the endpoint said, as it said it, and what it calls the model that was asked."""

    body: dict[str, Any]
    asked: str


def forward(*, user: User, team: Team, model: str, chat: Mapping[str, Any]) -> Forwarded:
    """Ask the team's model of that name, once, through its endpoint.

    `chat`: the body of a request to /chat/completions; its model is replaced by the endpoint's name of it.

    Raises:
        PermissionDenied: below editor: it costs the team's money. NotForwarded: there is no answer.
    """
    require(user=user, team=team, role=Role.EDITOR)
    source = _source(team, model)
    slug = source.settings.get("endpoint", "") if source else ""
    endpoint: Endpoint | None = Endpoint.objects.filter(team=team, slug=slug).first()
    if source is None or endpoint is None:
        raise NotForwarded(
            409, f"{model} is behind no endpoint of this team: add one to its sources."
        )
    try:
        access = access_to(endpoint)
    except ValidationError as error:
        raise NotForwarded(502, error.messages[0]) from error
    content = protocol.encoded({**chat, "model": source.location})
    seconds = min(MAX_SECONDS, access.timeout_seconds)
    try:
        with one_question(endpoint, seconds=seconds):
            reply = asyncio.run(_called(access, content, seconds))
    except Crowded as error:
        raise NotForwarded(429, str(error), retry_after="1") from error
    except Deleted as error:
        raise NotForwarded(409, str(error)) from error
    except TookTooLong as error:
        raise NotForwarded(504, str(error)) from error
    except OutboundError as error:
        raise NotForwarded(502, str(error)) from error
    return Forwarded(_body(without_key(reply, access.key)), source.location)


def _source(team: Team, model: str) -> ModelSource | None:
    """The newest way to call a model of that name."""
    rows = ModelSource.objects.filter(team=team, model__name__iexact=model, kind=ENDPOINT)
    found: ModelSource | None = rows.order_by("-created_at").first()
    return found


async def _called(access: Access, content: bytes, seconds: float) -> Reply:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if access.key:
        headers["Authorization"] = f"Bearer {access.key}"
    async with Channel(access.base_url, size=1) as channel:
        return await channel.call(
            "POST",
            protocol.PATH,
            headers=headers,
            content=content,
            max_seconds=seconds,
            max_bytes=protocol.MAX_REPLY_BYTES,
        )


def _body(reply: Reply) -> dict[str, Any]:
    read = protocol.read(reply)
    # A refusal of the question itself goes back as it came; one of our key is not the asker's business.
    if isinstance(read, protocol.Fault) and reply.status != 200:
        status = reply.status if reply.status in (400, 404, 413, 422, 429) else 502
        raise NotForwarded(status, read.sentence, reply.headers.get("retry-after", ""))
    try:
        found = json.loads(reply.body)
        # What Python reads is more than JSON: numbers without end, halves of letters.
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        if isinstance(read, protocol.Fault):
            raise NotForwarded(502, read.sentence) from error
        raise NotForwarded(502, "What the endpoint answered is no JSON.") from error
    if not isinstance(found, dict) or not isinstance(found.get("choices"), list):
        sentence = read.sentence if isinstance(read, protocol.Fault) else "It holds no answer."
        raise NotForwarded(502, sentence)
    return found
