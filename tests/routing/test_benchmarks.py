"""`manage.py bench decisions`: it asks a trained router, and says how long that took."""

from __future__ import annotations

import pytest

from apps.core.management.commands.bench import benchmarks
from apps.routing import benchmarks as routing
from apps.routing import encoders


def test_it_tells_times_and_whether_they_keep_the_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "available", lambda: ["hashing"])
    said: list[str] = []
    monkeypatch.setattr(routing, "A_SECOND", 1e9)
    assert routing.decisions(said.append, trained_on=60, asked=3) is False
    assert "hashing" in said[0]
    assert "ms of one core" in said[0]
    assert benchmarks()["decisions"] is routing.decisions
