"""Outcomes, evaluations and routers for the tests of this room."""

import pytest

from apps.catalog.models import DatasetVersion
from apps.routing.models import Evaluation, Router
from apps.teams.models import Team, User
from tests.routing.furniture import evaluation_of, router_of, version_with_outcomes


@pytest.fixture
def version(team: Team, eddie: User) -> DatasetVersion:
    """Three priced models on 60 prompts."""
    return version_with_outcomes(team, eddie)


@pytest.fixture
def evaluation(version: DatasetVersion, eddie: User) -> Evaluation:
    """One with numbers."""
    return evaluation_of(version, eddie)


@pytest.fixture
def router(version: DatasetVersion, eddie: User) -> Router:
    """One whose first version serves."""
    return router_of(version, eddie)
