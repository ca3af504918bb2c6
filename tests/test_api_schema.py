"""The API does what its own document says, whatever is sent to it."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from schemathesis.config import SchemathesisConfig

from apps.catalog.models import Dataset
from apps.teams.models import Role, Team, User
from apps.teams.services import create_token
from project.wsgi import application


@pytest.mark.django_db
def test_the_document_is_whole_and_valid(tmp_path: Any) -> None:
    call_command(
        "spectacular", "--fail-on-warn", "--validate", "--file", str(tmp_path / "schema.yaml")
    )


# Whether an address is a member's already, or an object exists, is known to the database alone: what
# the document allows may still be refused with a sentence (400).
CONFIG = {
    "seed": 1,
    "checks": {
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "400", "401", "403", "404", "409"]
        }
    },
}

document = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(CONFIG))
schema.app = application


@pytest.fixture
def token(team: Team, alice: User) -> str:
    _, secret = create_token(user=alice, team=team, name="schemathesis", scope=Role.ADMIN)
    return secret


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """A request must not close the connection that holds this test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# Parametrised by pytest itself: under xdist the library's own decorator runs the first operation alone.
OPERATIONS: list[Any] = [found.ok() for found in cast(Any, schema).get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.label for one in OPERATIONS])
def test_every_operation_answers_as_documented(operation: Any, token: str) -> None:
    @settings(
        max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def answers(case: Any) -> None:
        case.call_and_validate(
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        )

    answers()


def test_nobody_and_strangers_get_nothing_whatever_they_send(
    team: Team, alice: User, charlie: User, other_team: Team
) -> None:
    """Signed out: nothing but 401. From another team: an answer, never a word of ours, never a 500."""
    Dataset.objects.create(team=team, name="Zirconia", slug="zirconia")
    _, secret = create_token(user=charlie, team=other_team, name="curious", scope=Role.ADMIN)
    problems: list[str] = []
    for operation in OPERATIONS:
        problems += _gives_something_away(operation, secret)
    assert not problems, "\n".join(problems)


def _gives_something_away(operation: Any, secret: str) -> list[str]:
    found: set[str] = set()

    @settings(
        max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def asked(case: Any) -> None:
        nobody = case.call(headers={"Accept-Encoding": "identity"})
        if nobody.status_code != 401:
            found.add(f"{operation.label}: {nobody.status_code} to nobody")
        answer = case.call(
            headers={"Authorization": f"Bearer {secret}", "Accept-Encoding": "identity"}
        )
        if answer.status_code >= 500:
            found.add(f"{operation.label}: {answer.status_code} to a stranger")
        if b"zirconia" in answer.content.lower():
            found.add(f"{operation.label}: tells a stranger of the team")

    asked()
    return sorted(found)
