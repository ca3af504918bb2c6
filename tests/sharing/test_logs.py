"""What opens a door stands in no log."""

import io
import logging

import pytest
from django.test import Client

from apps.core.redaction import redacted


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the handlers of the settings write."""
    stream = io.StringIO()
    ours = [
        handler
        for handler in logging.getLogger().handlers
        if any(type(one).__name__ == "RedactSecrets" for one in handler.filters)
    ]
    assert ours
    for handler in ours:
        assert isinstance(handler, logging.StreamHandler)
        monkeypatch.setattr(handler, "stream", stream)
    return stream


@pytest.mark.django_db
def test_the_token_of_a_link_that_is_not_found_is_not_logged(
    client: Client, written: io.StringIO
) -> None:
    client.get("/s/abcdefghijklmnopqrstuvwxyz0123456789-_abcdef/")
    assert "/s/…/" in written.getvalue()
    assert "abcdefghij" not in written.getvalue()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /s/abc/chart.svg 200", "GET /s/…/chart.svg 200"),
        ("GET /S/abc/ 404", "GET /S/…/ 404"),
        ("Gone: /invitations/abc/", "Gone: /invitations/…/"),
        ("Gone: /signin/abc/?x=1", "Gone: /signin/…/?x=1"),
        ("GET /boards/abc/ 200", "GET /boards/abc/ 200"),
    ],
)
def test_the_rest_of_a_line_stays(text: str, clean: str) -> None:
    assert redacted(text) == clean
