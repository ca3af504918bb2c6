"""A router as an OpenAI-compatible model: it decides, and the chosen model's endpoint answers.

`POST chat/completions` with a router's slug as `model`; what comes back is the endpoint's own reply, and
headers say which model was chosen and by which version. Errors have OpenAI's form, so that its clients
show their sentence.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog.api.shared import person, team_of
from apps.core.api import Text
from apps.inference.endpoints.forward import NotForwarded, forward
from apps.routing import queries, serving
from apps.routing.flags import read_flags
from apps.routing.models import Router
from apps.teams.models import Role
from apps.teams.services import require

_OBJECT: dict[str, Any] = {"type": "object", "additionalProperties": {}}
_ANY = OpenApiResponse(_OBJECT)


class MessageSerializer(serializers.Serializer[Any]):
    """One message of a chat; whatever else stands in it is passed on."""

    role = Text(max_length=40)
    content = serializers.JSONField(
        required=False,
        allow_null=True,
        help_text="A text, or a list of parts; none where a model called tools.",
    )


class ChatSerializer(serializers.Serializer[Any]):
    """A chat; whatever else stands in it is passed on to the chosen model."""

    model = Text(max_length=200, help_text="The slug of a router.")
    messages = MessageSerializer(many=True, allow_empty=False)
    stream = serializers.BooleanField(required=False, help_text="Only false: replies come whole.")


class ChatCompletions(APIView):
    """Ask whichever model the router chooses."""

    @extend_schema(
        operation_id="openai_chat_completions",
        request=ChatSerializer,
        responses={
            200: _ANY,
            400: _ANY,
            404: _ANY,
            409: _ANY,
            413: _ANY,
            422: _ANY,
            429: _ANY,
            502: _ANY,
            504: _ANY,
        },
    )
    def post(self, request: Request) -> Response:
        """Decide where the last user message goes, and pass the chat on with the team's key (editors)."""
        user, team = person(request), team_of(request)
        require(user=user, team=team, role=Role.EDITOR)
        serializer = ChatSerializer(data=request.data)
        if not serializer.is_valid():
            return _error(400, _sentence(serializer.errors))
        if serializer.validated_data.get("stream"):
            return _error(400, "Replies come whole here: ask with stream=false.")
        chat = dict(request.data)
        router: Router | None = queries.routers(user).filter(slug=chat["model"], team=team).first()
        if router is None:
            return _error(
                404, f"There is no router `{chat['model'][:80]}` here.", "model_not_found"
            )
        try:
            prompt, chat["messages"] = _asked(chat["messages"])
            routed = serving.route(router, prompt)
        except ValueError as error:
            return _error(400, str(error))
        chosen = routed.decision.name
        try:
            reply = forward(user=user, team=team, model=chosen, chat=chat)
        except NotForwarded as refusal:
            response = _error(refusal.status, str(refusal))
            if refusal.retry_after.isdigit():
                response["Retry-After"] = refusal.retry_after
        else:
            response = Response(reply.body)
        response["X-Assay-Model"] = _header(chosen)
        response["X-Assay-Router"] = f"{router.slug} version {routed.version.number}"
        response["X-Assay-Decided-In"] = f"{routed.milliseconds:.1f} ms"
        return response


class Models(APIView):
    """The routers, as OpenAI's clients list models."""

    @extend_schema(operation_id="openai_models", responses={200: _ANY})
    def get(self, request: Request) -> Response:
        """Every router of the team that can decide."""
        try:
            rows = queries.routers(request.user).filter(team=team_of(request))
        except PermissionDenied:
            rows = Router.objects.none()
        data = [
            {
                "id": router.slug,
                "object": "model",
                "created": int(router.created_at.timestamp()),
                "owned_by": "assay",
            }
            for router in rows
            if router.current is not None
        ]
        return Response({"object": "list", "data": data})


def _asked(messages: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The text that the router decides on, and the messages without its flags.

    Raises:
        ValueError: no message of a user with a text.
    """
    place = next((n for n in reversed(range(len(messages))) if messages[n]["role"] == "user"), None)
    content = None if place is None else messages[place].get("content")
    left: Any
    if isinstance(content, str):
        text, left = content, read_flags(content)[0]
    else:
        parts = content if isinstance(content, list) else []
        text = "\n".join(one for part in parts if (one := _text_of(part)))
        left = [clean for part in parts if (clean := _without_flags(part))]
    if place is None or not text:
        raise ValueError("The chat has no message of a user with a text to decide on.")
    return text, [*messages[:place], {**messages[place], "content": left}, *messages[place + 1 :]]


def _text_of(part: Any) -> str:
    """Of a part of a message; empty where it has none."""
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def _without_flags(part: Any) -> Any:
    """A part of a message; None where it held nothing else."""
    text = _text_of(part)
    left = read_flags(text)[0]
    return part if left == text else {**part, "text": left} if left else None


def _error(status: int, sentence: str, code: str | None = None) -> Response:
    kind = "invalid_request_error" if status < 500 else "api_error"
    error = {"message": sentence, "type": kind, "param": None, "code": code}
    return Response({"error": error}, status=status)


def _sentence(errors: Any) -> str:
    """The first problem of a form, with its place."""
    place: list[str] = []
    while isinstance(errors, dict | list) and errors:
        if isinstance(errors, dict):
            name = next(iter(errors))
            place.append(str(name))
            errors = errors[name]
        else:
            errors = next((one for one in errors if one), errors[0])
    return f"{'.'.join(place)}: {errors}"


def _header(text: str) -> str:
    """`text` as a header may hold it."""
    return text.encode("ascii", "replace").decode()[:200]
