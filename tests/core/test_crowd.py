"""What a crowd's counts come to. The crowd itself is let in by `manage.py bench crowd`."""

import argparse
from typing import Any

import pytest

from apps.core.management import crowd


def route(name: str, times: dict[str, int], errors: int = 0) -> dict[str, Any]:
    """A row as locust prints it: times in milliseconds as texts, with how often each was seen."""
    requests = sum(times.values()) + errors
    return {
        "name": name,
        "response_times": times,
        "num_requests": requests,
        "num_failures": errors,
    }


def test_each_route_and_all_of_them_are_told_with_their_shares() -> None:
    told: list[str] = []
    rows = [route("/b/", {"10": 90, "400": 10}), route("/a/", {"20": 100})]
    assert crowd._tell(rows, told.append) == ""
    assert [line.split() for line in told[1:]] == [
        ["/a/", "100", "0", "20", "20", "20"],
        ["/b/", "100", "0", "10", "400", "400"],
        ["all", "200", "0", "20", "20", "400"],
    ]


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        ([route("/", {"10": 90, "700": 10})], "p95 is 700 ms and should be under 500"),
        ([route("/", {"10": 9}, errors=1)], "1 error"),
        ([route("/", {"700": 9}, errors=2)], "2 errors and p95 is 700 ms and should be under 500"),
        ([], "nobody was answered"),
    ],
)
def test_a_promise_that_is_broken_is_told(rows: list[dict[str, Any]], broken: str) -> None:
    assert crowd._tell(rows, lambda line: None) == broken


@pytest.mark.parametrize(("users", "seconds"), [(0, 10), (10, 0), (-1, 10)])
def test_a_crowd_of_nobody_is_refused(
    users: int, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "find_spec", lambda name: object())
    with pytest.raises(ValueError, match="at least one person"):
        crowd.run(print, argparse.Namespace(users=users, seconds=seconds))


def test_without_locust_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs locust: make"):
        crowd.run(print, argparse.Namespace(users=1, seconds=1))
