"""One question to an endpoint, and what happened in one sentence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from django.core.exceptions import ValidationError

from apps.inference.endpoints import protocol
from apps.inference.endpoints.asking import Access, Asker, Got
from apps.inference.endpoints.models import Endpoint
from apps.inference.endpoints.permit import Permit
from apps.inference.endpoints.protocol import Said
from apps.inference.endpoints.services import access_to
from apps.inference.endpoints.sharing import NoPlace, one_question
from apps.teams.models import Role, User
from apps.teams.services import audit, require

MAX_SECONDS = 20
_QUESTION = "Answer with the one word: ready"


@dataclass(frozen=True)
class Tried:
    """`sentence`: what happened; `answered`: whether an answer came."""

    answered: bool
    sentence: str


def try_endpoint(*, user: User, endpoint: Endpoint, model: str) -> Tried:
    """Ask `model` one short question, once, for 20 seconds at most.

    Raises:
        PermissionDenied: below editor. ValidationError: no name, or the key cannot be read.
    """
    require(user=user, team=endpoint.team, role=Role.EDITOR)
    name = model.strip()
    if not name or len(name) > 200:
        raise ValidationError(
            {"model": "Say which of its models to ask, by the endpoint's own name."}
        )
    access = access_to(endpoint)
    access = replace(access, timeout_seconds=min(MAX_SECONDS, access.timeout_seconds))
    try:
        with one_question(endpoint, seconds=access.timeout_seconds):
            tried = _told(endpoint, name, asyncio.run(_asked(access, name)))
    except NoPlace as error:
        tried = Tried(False, str(error))
    audit(
        user=user,
        team=endpoint.team,
        action="endpoint.tried",
        target=endpoint,
        model=name,
        answered=tried.answered,
    )
    return tried


async def _asked(access: Access, model: str) -> Got:
    body = protocol.chat(model, _QUESTION, {"max_new_tokens": 16})
    async with Asker(access, Permit(1), attempts=1) as asker:
        return await asker.ask(body)


def _told(endpoint: Endpoint, model: str, got: Got) -> Tried:
    said = got.outcome
    if not isinstance(said, Said):
        return Tried(False, said.sentence)
    words = " ".join(said.text.split())
    shown = f"“{words[:60]}{'…' if len(words) > 60 else ''}”" if words else "an empty text"
    known = said.input_tokens is not None and said.output_tokens is not None
    count = (
        f"It counted {said.input_tokens:,} tokens in and {said.output_tokens:,} out."
        if known
        else "It does not count tokens: what runs cost will be unknown."
    )
    took = f"{got.latency_ms or 0:,.0f} ms"
    return Tried(
        True, f"{endpoint.name} answered as {said.model or model} in {took}: {shown}. {count}"
    )
