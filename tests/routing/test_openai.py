"""A router as an OpenAI-compatible model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.catalog.models import CandidateModel
from apps.inference import services
from apps.inference.endpoints import sharing
from apps.inference.endpoints.models import Endpoint
from apps.inference.endpoints.services import create_endpoint, update_endpoint
from apps.routing import serving as deciding
from apps.routing.models import Router
from apps.teams.models import Role, Team, User
from apps.teams.services import create_token
from tests.partners.server import Asked, Server, always, chat, reply, serving
from tests.routing.furniture import router_of, version_with_outcomes

ADDRESS = "/api/v1/openai/chat/completions"
KEY = "sk-very-secret-key-0123456789"


async def echo(asked: Asked, out: asyncio.StreamWriter) -> None:
    out.write(reply(chat(f"to {asked.json['model']}: {asked.prompt}") | {"extra": [1]}))


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    with serving(echo) as ready:
        yield ready


@pytest.fixture
def router(alice: User, team: Team, server: Server) -> Router:
    """A router whose models are all behind one endpoint."""
    made = router_of(version_with_outcomes(team, alice), alice)
    endpoint = create_endpoint(
        user=alice, team=team, name="House", base_url=server.url, key=KEY, timeout_seconds=2
    )
    for model in CandidateModel.objects.filter(team=team):
        services.add_source(
            user=alice,
            model=model,
            kind="endpoint",
            location=f"remote-{model.name}",
            settings={"endpoint": endpoint.slug},
        )
    return made


def asked(router: Router, text: Any = "How do I sort a list?", **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    return {"model": router.slug, "messages": messages, **more}


def test_the_router_decides_and_the_chosen_model_answers(
    router: Router, alice: User, server: Server, api_of: Callable[..., APIClient]
) -> None:
    text = "How do I sort a list?"
    response = api_of(alice).post(ADDRESS, asked(router, text, temperature=0.2, user="u"))
    chosen = deciding.route(router, text).decision.name
    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"] == f"to remote-{chosen}: {text}"
    assert response.json()["extra"] == [1]
    assert response["X-Assay-Model"] == chosen
    assert response["X-Assay-Router"] == f"{router.slug} version 1"
    sent = server.asked[0]
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert (sent.json["temperature"], sent.json["user"]) == (0.2, "u")
    assert sent.json["messages"][0] == {"role": "system", "content": "Be brief."}


def test_flags_of_the_prompt_are_for_the_router_alone(
    router: Router, alice: User, server: Server, api_of: Callable[..., APIClient]
) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {}}]
    api = api_of(alice)
    assert api.post(ADDRESS, asked(router, "Sort this. [Flag: fast]")).status_code == 200
    assert api.post(ADDRESS, asked(router, parts)).status_code == 200
    assert server.prompts[0] == "Sort this."
    assert server.asked[1].json["messages"][1]["content"] == parts


def test_flags_in_parts_of_a_message_are_for_the_router_too(
    router: Router, alice: User, server: Server, api_of: Callable[..., APIClient]
) -> None:
    image = {"type": "image_url", "image_url": {}}
    sent = ["Sort this. [Flag: fast]", "[Flag: small model]"]
    parts = [image, *({"type": "text", "text": text} for text in sent)]
    assert api_of(alice).post(ADDRESS, asked(router, parts)).status_code == 200
    passed_on = server.asked[0].json["messages"][1]["content"]
    assert passed_on == [image, {"type": "text", "text": "Sort this."}]


def test_a_chat_in_which_tools_were_called_is_passed_on(
    router: Router, alice: User, server: Server, api_of: Callable[..., APIClient]
) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "noon"},
    ]
    response = api_of(alice).post(ADDRESS, asked(router) | {"messages": messages})
    assert response.status_code == 200
    assert server.asked[0].json["messages"] == messages


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"model": "nothing"}, 404, "There is no router `nothing` here."),
        ({"messages": []}, 400, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "no message of a user"),
        ({"messages": [{"role": "user", "content": 7}]}, 400, "no message of a user"),
        ({"messages": "x"}, 400, "messages"),
        ({"stream": True}, 400, "Replies come whole"),
        ({"messages": [{"role": "user", "content": "x [Flag: purple]"}]}, 400, "purple"),
    ],
)
def test_what_cannot_be_answered_is_said_in_openais_form(
    router: Router,
    alice: User,
    server: Server,
    api_of: Callable[..., APIClient],
    change: dict[str, Any],
    status: int,
    sentence: str,
) -> None:
    response = api_of(alice).post(ADDRESS, asked(router) | change)
    assert response.status_code == status
    assert sentence in response.json()["error"]["message"]
    assert not server.asked


@pytest.mark.parametrize(
    ("raw", "status", "sentence"),
    [
        (reply("", "429 Slow", Retry_After=7), 429, "asked too much (429)"),
        (reply({"error": {"message": f"bad {KEY}"}}, "401 No"), 502, "does not accept the key"),
        (reply({"error": {"message": "too long"}}, "400 Bad"), 400, "too long"),
        (reply("<html>"), 502, "a web page"),
        (reply("", "500 Oops"), 502, "fault of its own"),
        (reply({"choices": 7}), 502, "holds no answer"),
        (reply(chat("Yes.") | {"sure": float("nan")}), 502, "is no JSON"),
        (reply(b'{"choices": [{"message": {"content": "\\ud800"}}]}'), 502, "is no JSON"),
        (reply("", "429 Slow", Retry_After=f"Mon, 1 Jan {10**20} 00:00:00 GMT"), 429, "too much"),
    ],
)
def test_what_the_endpoint_refuses_comes_back_as_a_sentence_without_the_key(
    router: Router,
    alice: User,
    api_of: Callable[..., APIClient],
    raw: bytes,
    status: int,
    sentence: str,
) -> None:
    with serving(always(raw)) as other:
        update_endpoint(user=alice, endpoint=Endpoint.objects.get(), base_url=other.url, key=KEY)
        response = api_of(alice).post(ADDRESS, asked(router))
    assert response.status_code == status
    assert sentence in response.json()["error"]["message"]
    assert KEY not in response.content.decode()
    assert response.get("Retry-After") == ("7" if b"Retry-After: 7" in raw else None)
    assert response["X-Assay-Model"]


def test_an_endpoint_that_hangs_or_is_gone_is_said(
    router: Router, alice: User, api_of: Callable[..., APIClient]
) -> None:
    async def hang(one: Asked, out: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10)

    with serving(hang) as other:
        Endpoint.objects.update(base_url=other.url, sealed_key="", timeout_seconds=1)
        assert api_of(alice).post(ADDRESS, asked(router)).status_code == 504
    assert api_of(alice).post(ADDRESS, asked(router)).status_code == 502
    Endpoint.objects.all().delete()
    response = api_of(alice).post(ADDRESS, asked(router))
    assert response.status_code == 409
    assert "is behind no endpoint" in response.json()["error"]["message"]


def test_an_endpoint_that_a_run_has_to_itself_is_asked_in_a_moment(
    router: Router,
    alice: User,
    server: Server,
    api_of: Callable[..., APIClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing, "PATIENCE_SECONDS", 0.2)
    endpoint = Endpoint.objects.get()
    run = sharing.Share(endpoint)
    run.claim(wanted=endpoint.concurrency)
    response = api_of(alice).post(ADDRESS, asked(router))
    assert (response.status_code, response["Retry-After"]) == (429, "1")
    assert "House is asked as much as it may be" in response.json()["error"]["message"]
    assert not server.asked
    run.claim(wanted=endpoint.concurrency - 1)
    assert api_of(alice).post(ADDRESS, asked(router)).status_code == 200


def test_it_costs_money_so_editors_alone_ask(
    router: Router,
    eddie: User,
    vic: User,
    charlie: User,
    server: Server,
    api_of: Callable[..., APIClient],
) -> None:
    assert api_of(vic).post(ADDRESS, asked(router)).status_code == 403
    assert api_of(eddie, Role.VIEWER).post(ADDRESS, asked(router)).status_code == 403
    assert api_of(charlie).post(ADDRESS, asked(router)).status_code == 404
    assert APIClient().post(ADDRESS, asked(router)).status_code == 401
    assert not server.asked
    assert api_of(eddie).post(ADDRESS, asked(router)).status_code == 200


def test_routers_are_listed_as_models(
    router: Router, vic: User, charlie: User, api_of: Callable[..., APIClient]
) -> None:
    listed = api_of(vic).get("/api/v1/openai/models").json()
    assert [one["id"] for one in listed["data"]] == [router.slug]
    assert api_of(charlie).get("/api/v1/openai/models").json()["data"] == []


@pytest.mark.django_db(transaction=True)
def test_the_openai_client_speaks_with_it(router: Router, alice: User, live_server: Any) -> None:
    openai = pytest.importorskip("openai")
    _, token = create_token(user=alice, team=router.team, name="client", scope=Role.EDITOR)
    with openai.OpenAI(
        base_url=f"{live_server.url}/api/v1/openai", api_key=token, max_retries=0
    ) as client:
        assert [one.id for one in client.models.list()] == [router.slug]
        messages = [{"role": "user", "content": "How do I sort a list?"}]
        raw = client.chat.completions.with_raw_response.create(model=router.slug, messages=messages)
        assert raw.parse().choices[0].message.content.endswith("How do I sort a list?")
        assert raw.headers["x-assay-model"]
        with pytest.raises(openai.NotFoundError, match="There is no router"):
            client.chat.completions.create(model="nothing", messages=messages)
