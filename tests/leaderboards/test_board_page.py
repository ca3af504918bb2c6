"""The board's page: the verdict first, then a table that sorts, searches and filters by its address."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.leaderboards.models import Board, Snapshot
from apps.leaderboards.pages.forest import Axis
from apps.teams.models import User

ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true", "HX-Target": "board-table"}


def models_in(html: str) -> list[str]:
    """Names of the table's rows, in their order."""
    return re.findall(r'<th scope="row">([^< ]+)', html)


@pytest.fixture
def get(board: Board, client_of: ClientOf, vic: User) -> Callable[..., str]:
    client = client_of(vic)

    def page(query: str = "", **headers: str) -> str:
        response = client.get(f"/boards/{board.slug}/{query}", headers=headers or None)
        assert response.status_code == 200
        return response.content.decode()

    return page


def test_it_begins_with_the_verdict(get: Callable[..., str]) -> None:
    html = get()
    assert html.index('class="verdict"') < html.index("<table")
    assert "<code>ada</code>" in html


def test_it_lists_models_best_first(get: Callable[..., str]) -> None:
    assert models_in(get()) == ["ada", "bea", "cyd"]


def test_it_sorts_by_any_column_and_unknown_values_stay_last(get: Callable[..., str]) -> None:
    assert models_in(get("?sort=price")) == ["bea", "ada", "cyd"]
    assert models_in(get("?sort=-price")) == ["ada", "bea", "cyd"]
    assert models_in(get("?sort=accuracy")) == ["cyd", "bea", "ada"]


def test_it_searches_and_filters(get: Callable[..., str]) -> None:
    assert models_in(get("?q=BE")) == ["bea"]
    assert models_in(get("?tied=1")) == ["ada", "bea"]
    assert models_in(get("?max_price=0.002")) == ["bea"]
    assert "No model matches" in get("?q=nobody")


def test_it_shows_the_columns_that_were_chosen(get: Callable[..., str]) -> None:
    html = get("?col=correct&col=licence")
    assert "38/40" in html
    assert "Licence" in html
    assert "sort-p_best" not in html


@pytest.mark.parametrize(
    "query",
    ["?sort=nothing", "?col=nothing", "?max_price=dear", "?max_price=nan", "?sort=-", "?q=%00"],
)
def test_what_an_address_says_wrongly_is_left_out(get: Callable[..., str], query: str) -> None:
    assert models_in(get(query)) == ["ada", "bea", "cyd"]


def test_htmx_gets_the_table_alone_and_the_shortest_address(
    board: Board, client_of: ClientOf, vic: User
) -> None:
    response = client_of(vic).get(f"/boards/{board.slug}/?q=be&provider=&sort=rank", headers=HTMX)
    html = response.content.decode()
    assert html.lstrip().startswith('<div id="board-table">')
    assert response["HX-Push-Url"] == f"/boards/{board.slug}/?q=be"


def test_unknown_is_a_word(get: Callable[..., str]) -> None:
    assert '<span class="unknown">unknown</span>' in get("?col=price")


def test_a_day_that_all_prices_share_is_said_once(get: Callable[..., str]) -> None:
    html = get()
    assert len(re.findall(r"since", html.split("</table>")[0].split('id="board-table"')[1])) == 1
    assert "prices since" not in get("?col=rank")


def test_filters_stand_open_only_where_one_is_set(get: Callable[..., str]) -> None:
    assert '<details class="column-choice" >' in get("?q=be&tied=1")
    assert '<details class="column-choice" open>' in get("?max_price=1")
    assert '<details class="column-choice" open>' in get("?col=correct")


def test_a_model_far_below_the_others_does_not_press_them_together() -> None:
    rows = [{"model": str(place), "accuracy": 0.9, "low": 0.85, "high": 0.95} for place in range(8)]
    far = {"model": "far", "accuracy": 0.1, "low": 0.05, "high": 0.2}
    axis = Axis.over([*rows, far])
    assert (axis.start, axis.end) == (0.8, 1.0)
    assert "<circle" in axis.row(rows[0], 0.9)
    assert "<circle" not in axis.row(far, 0.9)
    assert Axis.over([*rows, far], ["far"]).start == 0


def test_it_offers_the_next_items_and_their_list(
    board: Board, client_of: ClientOf, vic: User
) -> None:
    client = client_of(vic)
    assert "MODEL SELECTOR" in client.get(f"/boards/{board.slug}/").content.decode()
    response = client.get(f"/boards/{board.slug}/next-items.csv")
    rows = response.content.decode().splitlines()
    assert rows[0] == "item_id,label,selected_by"
    assert len(rows) == 21
    assert all(row.endswith(",,MODEL SELECTOR") for row in rows[1:])


def test_a_stranger_finds_nothing(board: Board, client_of: ClientOf, charlie: User) -> None:
    client = client_of(charlie)
    for tail in ("/", ".json", ".csv", "/chart.svg", "/chart.json", "/next-items.csv", "/edit/"):
        assert client.get(f"/boards/{board.slug}{tail}").status_code == 404


def test_the_chart_is_drawn_without_javascript(
    board: Board, client_of: ClientOf, vic: User
) -> None:
    response = client_of(vic).get(f"/boards/{board.slug}/chart.svg?theme=dark")
    assert response["Content-Type"] == "image/svg+xml"
    svg = response.content.decode()
    assert svg.startswith("<svg")
    assert ">ada<" in svg


def test_a_phone_gets_a_smaller_chart(board: Board, client_of: ClientOf, vic: User) -> None:
    client, address = client_of(vic), f"/boards/{board.slug}/chart.json"
    wide, small = (client.get(f"{address}?size={size}").json() for size in ("wide", "small"))
    assert small["width"] < 300 < wide["width"]
    assert client.get(f"{address}?size=../../etc").json() == wide
    page = client.get(f"/boards/{board.slug}/").content.decode()
    assert "chart.svg?theme=light&amp;size=small" in page


def test_the_page_and_the_picture_share_one_specification(
    board: Board, client_of: ClientOf, vic: User
) -> None:
    spec = client_of(vic).get(f"/boards/{board.slug}/chart.json").json()
    rows = [row for data in spec["datasets"].values() for row in data]
    drawn = {row["model"] for row in rows if "model" in row}
    assert {row["text"] for row in rows if "text" in row} <= drawn
    assert drawn == {"ada", "bea"}


def test_a_viewer_cannot_change_a_board(board: Board, client_of: ClientOf, vic: User) -> None:
    client = client_of(vic)
    assert client.post(f"/boards/{board.slug}/refresh/").status_code == 403
    assert client.post(f"/boards/{board.slug}/delete/").status_code == 403
    assert Board.objects.filter(pk=board.pk).exists()


def test_an_editor_changes_what_a_board_asks(
    board: Board, client_of: ClientOf, eddie: User, run_jobs: Callable[[], object]
) -> None:
    form = {"name": "Pets", "points": "10", "level": "90", "input_tokens": 1, "output_tokens": 1}
    response = client_of(eddie).post(f"/boards/{board.slug}/edit/", form)
    assert response.status_code == 302
    run_jobs()
    board.refresh_from_db()
    assert (board.delta, board.alpha) == (0.1, 0.1)
    assert board.current is not None
    assert (
        "<code>bea</code>: within 10 points"
        in client_of(eddie).get(f"/boards/{board.slug}/").content.decode()
    )


def test_the_first_page_says_which_boards_want_labels(
    board: Board, client_of: ClientOf, vic: User, eddie: User
) -> None:
    wanted = "Label the items that tell its models apart best"
    undecided = Snapshot.objects.all()[0].summary | {"decided": False}
    Snapshot.objects.update(summary=undecided)
    assert wanted in client_of(eddie).get("/").content.decode()
    assert wanted not in client_of(vic).get("/").content.decode(), "a viewer labels nothing"
    Snapshot.objects.update(summary=undecided | {"decided": True})
    assert wanted not in client_of(eddie).get("/").content.decode()


def test_a_search_that_is_longer_than_any_name_finds_nothing(
    board: Board, vic: User, client_of: ClientOf
) -> None:
    response = client_of(vic).get("/boards/", {"q": "a" * 60_000})
    assert response.status_code == 200
    assert board.name not in response.content.decode().split("<main")[1]
