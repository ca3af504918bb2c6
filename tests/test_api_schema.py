"""The API does what its own document says, whatever is sent to it."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig

from apps.jobs.models import Job
from apps.teams.models import Role, Team, User
from apps.teams.services import create_token
from project.wsgi import application
from tests.routes import MARK, World, build_world

EXAMPLES = 3  # of each operation


@pytest.mark.embedded_only
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


# What a stranger may be told of an object by its name.
NOT_FOUND = {401, 403, 404, 405, 406, 415}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture
def world(team: Team, alice: User, charlie: User, run_jobs: Callable[[], list[Job]]) -> World:
    return build_world(team, alice, run_jobs)


def token_of(user: User) -> dict[str, str]:
    team = user.memberships.get().team
    _, secret = create_token(user=user, team=team, name="schemathesis", scope=Role.ADMIN)
    return {"Authorization": f"Bearer {secret}", **PLAIN}


def places_of(world: World, path: str) -> dict[str, str]:
    """What leads along an operation's path to objects that exist: `{slug}` after `boards` is a board."""
    found = {}
    for match in re.finditer(r"\{(\w+)\}", path):
        before = re.findall(r"[\w-]+", path[: match.start()].replace("{", " {"))[-1]
        name = match[1]
        found[name] = str(world.objects[before, "pk" if name == "id" else name])
    return found


def test_of_what_exists_its_owner_is_told_as_documented_and_others_nothing(
    world: World, alice: User, charlie: User
) -> None:
    owner, stranger = token_of(alice), token_of(charlie)

    def told_otherwise(case: Any) -> str:
        try:
            case.call_and_validate(headers=owner)
        except BaseExceptionGroup as faults:
            return " | ".join(str(fault)[:1000] for fault in faults.exceptions)
        return ""

    def given_away(case: Any) -> str:
        if case.operation.path.startswith("/api/v1/workers/"):
            return ""  # the machines that do everybody's work
        answer = case.call(headers=stranger)
        told = answer.content.decode(errors="replace")
        if case.path_parameters and answer.status_code not in NOT_FOUND:
            return f"{answer.status_code} to a stranger"
        if answer.status_code >= 500 or MARK.lower() in told.lower():
            return f"{answer.status_code} to a stranger, {told[:200]}"
        return ""

    def let_in(case: Any) -> str:
        answer = case.call(headers=PLAIN)
        return "" if answer.status_code == 401 else f"{answer.status_code} to nobody"

    problems: set[str] = set()
    for operation in OPERATIONS:
        places = places_of(world, operation.path)
        for one in _complaints(operation, places, (told_otherwise, given_away, let_in)):
            problems.add(f"{operation.label}: {one}")
    assert not problems, "\n".join(sorted(problems))


def _complaints(
    operation: Any, places: dict[str, str], askers: Sequence[Callable[[Any], str]]
) -> set[str]:
    """Each puts the same few requests to an operation, on objects that exist; what they complain of.

    To make requests up takes longer than to answer them.
    """
    found: set[str] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def asked(case: Any) -> None:
        case.path_parameters = {**(case.path_parameters or {}), **places}
        for ask in askers:
            with transaction.atomic():
                found.add(ask(case))
                transaction.set_rollback(True)  # the next request finds the same world

    asked()
    return found - {""}
