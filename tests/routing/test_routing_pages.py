"""Pages, API and command of routing, as a person and a program meet them."""

import io
import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from apps.catalog.models import DatasetVersion
from apps.core.templatetags.assay import prose
from apps.jobs.models import Job
from apps.routing.models import Evaluation, Router
from apps.routing.pages import evaluation_page, words
from apps.teams.models import Role, User
from tests.routing.furniture import measured

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
ApiOf = Callable[..., APIClient]
RunJobs = Callable[[], list[Job]]


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_the_list_says_what_belongs_there(eddie: User, client_of: ClientOf) -> None:
    text = text_of(client_of(eddie), "/routers/")
    assert "Upload outcomes" in text


def test_the_list_shows_verdicts_and_routers(
    evaluation: Evaluation, router: Router, vic: User, client_of: ClientOf
) -> None:
    text = text_of(client_of(vic), "/routers/")
    assert prose(measured()["verdict"]) in text
    assert router.name in text
    assert "version 1 serves" in text


def test_the_verdict_comes_before_everything_else(
    evaluation: Evaluation, vic: User, client_of: ClientOf
) -> None:
    text = text_of(client_of(vic), f"/evaluations/{evaluation.pk}/")
    order = [
        prose(measured()["verdict"]),
        "Quality against cost",
        "What a budget buys",
        "Single models",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "zero router" in text
    assert "SHA-256" in text


def test_the_verdict_marks_the_model_that_it_names(
    evaluation: Evaluation, vic: User, client_of: ClientOf
) -> None:
    html = client_of(vic).get(f"/evaluations/{evaluation.pk}/").content.decode()
    verdict = html.split('<p class="verdict">')[1].split("</p>")[0]
    assert "<code>model-1</code>" in verdict
    assert "`" not in verdict
    assert "`" not in html.split("<title>")[1].split("</title>")[0]


def test_the_best_single_model_and_its_price_stand_under_the_verdict(
    evaluation: Evaluation, vic: User, client_of: ClientOf
) -> None:
    html = client_of(vic).get(f"/evaluations/{evaluation.pk}/").content.decode()
    support = html.split('<ul class="support">')[1].split("</ul>")[0]
    best = max(measured()["models"], key=lambda model: model["accuracy"])
    assert f"<code>{best['name']}</code> is the best single model" in support
    assert f"{best['accuracy']:.1f} points at $" in support
    assert html.index('class="support"') < html.index("<table")


def test_of_equally_good_models_the_cheapest_is_called_the_best() -> None:
    models = [
        {"name": "dear", "accuracy": 70.0, "cost": 0.01},
        {"name": "cheap", "accuracy": 70.0, "cost": 0.001},
    ]
    result = {**measured(), "models": models}
    assert words.support_lines(result)[0].startswith("`cheap` is the best single model")
    page = evaluation_page(name="Equals", result=result, asked="", url="/", chart_url="/")
    assert [model.name for model in page.models if model.best] == ["cheap"]
    assert page.dial is not None
    assert page.dial.best.startswith("cheap")


def test_every_null_model_is_in_the_chart(
    evaluation: Evaluation, vic: User, client_of: ClientOf
) -> None:
    client = client_of(vic)
    spec = client.get(f"/evaluations/{evaluation.pk}/chart.json").json()
    drawn = json.dumps(spec)
    for name in ("zero router", "random mix", "prompt length", "task table", "oracle"):
        assert name in drawn, name
    for model in measured()["models"]:
        assert model["name"] in drawn
    svg = client.get(f"/evaluations/{evaluation.pk}/chart.svg?theme=dark&size=small")
    assert svg.content.startswith(b"<svg")


def test_the_dial_says_what_a_budget_buys_without_scripts(
    evaluation: Evaluation, vic: User, client_of: ClientOf
) -> None:
    client = client_of(vic)
    poor = text_of(client, f"/evaluations/{evaluation.pk}/?dial=0")
    rich = text_of(client, f"/evaluations/{evaluation.pk}/?dial=40")
    assert 'value="0"' in poor
    assert 'value="40"' in rich
    assert text_of(client, f"/evaluations/{evaluation.pk}/?dial=ninety")
    htmx = {"HX-Request": "true", "HX-Target": "dial"}
    part = client.get(f"/evaluations/{evaluation.pk}/?dial=7", headers=htmx).content.decode()
    assert part.lstrip().startswith('<div id="dial"')


def test_its_twins_hold_the_same_numbers(
    evaluation: Evaluation, vic: User, client_of: ClientOf
) -> None:
    client = client_of(vic)
    assert client.get(f"/evaluations/{evaluation.pk}.json").json() == measured()
    rows = client.get(f"/evaluations/{evaluation.pk}.csv").content.decode().splitlines()
    assert len(rows) == 1 + len(measured()["routers"])


def test_an_evaluation_is_started_from_its_form(
    version: DatasetVersion, eddie: User, client_of: ClientOf
) -> None:
    client = client_of(eddie)
    page = client.get(f"/evaluations/new/?version={version.pk}")
    assert b"nearest neighbours" in page.content
    form = {
        "version": version.pk,
        "name": "Ours",
        "routers": ["knn"],
        "kind": "unseen",
        "by": "task",
        "splits": 2,
        "encoder": "hashing",
        "seed": 1,
    }
    response = client.post("/evaluations/new/", form)
    made = Evaluation.objects.get()
    assert response["Location"] == f"/evaluations/{made.pk}/"
    assert (made.split, made.splits, made.seed) == ("unseen:task", 2, 1)
    waiting = text_of(client, response["Location"])
    assert "Evaluate routers: Ours" in waiting, "the job that is waited for"
    assert client.post("/evaluations/new/", {**form, "by": ""}).status_code == 400


def test_a_router_is_made_tried_and_rolled_back(
    version: DatasetVersion, eddie: User, client_of: ClientOf, run_jobs: RunJobs
) -> None:
    client = client_of(eddie)
    form = {"version": version.pk, "method": "knn", "encoder": "hashing", "seed": 0}
    address = client.post("/routers/new/", form)["Location"]
    run_jobs()
    assert "On prompts held out it scored" in text_of(client, address)
    assert client.post(f"{address}try/", {"prompt": ""}).status_code == 400
    answer = client.post(f"{address}try/", {"prompt": "sums question"}).content.decode()
    assert "Send it to" in answer
    assert "ms, encoder included" in answer
    client.post(f"{address}train/")
    run_jobs()
    assert "Let version 1 serve" in text_of(client, address)
    client.post(f"{address}versions/", {"number": "1"})
    assert "Let version 2 serve" in text_of(client, address)
    assert client.post(f"{address}delete/")["Location"] == reverse("router_list")
    assert not Router.objects.exists()


def test_markup_in_a_prompt_stays_text(router: Router, vic: User, client_of: ClientOf) -> None:
    answer = client_of(vic).post(f"/routers/{router.slug}/try/", {"prompt": "<script>alert(1)"})
    assert b"<script>alert" not in answer.content


def test_the_api_decides(router: Router, vic: User, api_of: ApiOf) -> None:
    api = api_of(vic, Role.VIEWER)
    answer = api.post(
        f"/api/v1/routers/{router.slug}/route/", {"prompt": "sums question"}, format="json"
    )
    assert answer.status_code == 200
    found = answer.json()
    assert found["model"] in [one["model"] for one in found["forecast"]]
    assert found["reason"].startswith(found["model"])
    assert found["milliseconds"] > 0
    cheap = api.post(
        f"/api/v1/routers/{router.slug}/route/",
        {"prompt": "sums question", "budget": 0.00002},
        format="json",
    ).json()
    assert cheap["budget"] == pytest.approx(0.00002)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prompt": ""}, "empty"),
        ({"prompt": "x" * (1 << 20)}, "at most 200,000 characters"),
        ({"prompt": "x", "budget": 1e-12}, "below the cheapest model"),
        ({"prompt": "x", "flags": ["purple"]}, "purple"),
        ({"prompt": 7}, "Not a valid string"),
        ({}, "required"),
    ],
)
def test_the_api_refuses_with_a_sentence(
    router: Router, vic: User, api_of: ApiOf, body: dict[str, object], said: str
) -> None:
    api = api_of(vic)
    answer = api.post(f"/api/v1/routers/{router.slug}/route/", body, format="json")
    assert answer.status_code == 400
    assert said in answer.content.decode()


def test_the_api_starts_reads_and_deletes(
    version: DatasetVersion, eddie: User, api_of: ApiOf, run_jobs: RunJobs
) -> None:
    api = api_of(eddie)
    slug = version.dataset.slug
    made = api.post(
        "/api/v1/evaluations/",
        {"dataset": slug, "routers": ["knn"], "splits": 1, "split": "random", "encoder": "hashing"},
        format="json",
    ).json()
    one = f"/api/v1/evaluations/{made['id']}/"
    assert api.get(f"{one}result/").status_code == 404
    router = api.post(
        "/api/v1/routers/", {"dataset": slug, "method": "knn", "encoder": "hashing"}, format="json"
    ).json()
    run_jobs()
    assert api.get(one).json()["verdict"]
    assert api.get(f"{one}result/").json()["routers"]["knn"]
    two = f"/api/v1/routers/{router['slug']}/"
    assert api.get(two).json()["serves"] == 1
    assert [row["number"] for row in api.get(f"{two}versions/").json()] == [1]
    assert api.post(f"{two}serve/", {"number": 9}, format="json").status_code == 400
    assert api.delete(one).status_code == 204
    assert api.delete(two).status_code == 204


def test_the_command_decides(router: Router) -> None:
    out = io.StringIO()
    call_command("route", router.slug, "sums question", stdout=out)
    assert out.getvalue().splitlines()[0] in ("model-0", "model-1", "model-2")
    out = io.StringIO()
    call_command("route", router.slug, "sums question", json=True, stdout=out)
    assert json.loads(out.getvalue())["version"] == 1
    with pytest.raises(CommandError, match="empty"):
        call_command("route", router.slug, " ")
    with pytest.raises(CommandError, match="There is no router `nobody`"):
        call_command("route", "nobody", "hello")
