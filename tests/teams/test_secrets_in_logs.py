"""No log line holds the secret of an address."""

import logging
from typing import Any

import pytest
from django.test import Client

from apps.core.logs import hide_secrets
from apps.teams.models import User
from apps.teams.services import make_sign_in_link


def console() -> logging.Handler:
    """The handler that the settings have put on the root logger."""
    return next(
        handler
        for handler in logging.getLogger().handlers
        if type(handler) is logging.StreamHandler
    )


@pytest.mark.parametrize(
    "line",
    [
        "GET /s/SECRET/ 410",
        '{"path": "/invitations/SECRET/", "status": 403}',
        "Forbidden: https://assay.example.org/signin/SECRET/?next=/x",
        "Gone: /s/SECRET/chart.svg",
        "/accounts/password/reset/key/1-SECRET/",
    ],
)
def test_secrets_of_addresses_are_hidden(line: str) -> None:
    assert "SECRET" not in hide_secrets(None, "info", line)


def test_other_addresses_are_left_alone() -> None:
    line = "Not Found: /boards/ore-12ab/ and /settings/invitations/"
    assert hide_secrets(None, "info", line) == line


def test_a_failed_form_does_not_log_a_live_sign_in_address(
    alice: User, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    path = make_sign_in_link(alice)
    Client(enforce_csrf_checks=True).post(path)
    (record,) = [record for record in caplog.records if "CSRF" in record.getMessage()]
    line = console().format(record)
    assert "CSRF" in line
    assert path not in line
    assert path.split("/")[2] not in line
