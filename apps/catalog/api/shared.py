"""What the API of this room shares, and `version_asked` with the rooms above."""

from typing import Any, cast

from django_filters import rest_framework as filters
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.models import DatasetVersion
from apps.catalog.readers import FileProblem
from apps.core.api import Text
from apps.core.problems import MEDIA_TYPE, problem
from apps.teams.models import Team, User


def person(request: Request) -> User:
    return cast(User, request.user)


def team_of(request: Request) -> Team:
    """The team of the token, or the one that the session looks at."""
    team = getattr(request._request, "team", None)
    if team is None:
        raise PermissionDenied("Make a team first, or have yourself invited to one.")
    return cast(Team, team)


def version_asked(user: User, asked: dict[str, Any]) -> DatasetVersion:
    """The version that a request names by `dataset`, a slug, and perhaps `version`; else the newest.

    Takes both out of `asked`. Raises ValidationError where the user sees no such version.
    """
    versions = DatasetVersion.objects.visible_to(user).select_related("dataset", "team")
    versions = versions.filter(dataset__slug=asked.pop("dataset")).order_by("-number")
    if number := asked.pop("version", None):
        versions = versions.filter(number=number)
    version: DatasetVersion | None = versions.first()
    if version is None:
        raise ValidationError({"dataset": ["There is no such dataset version here."]})
    return version


class OnDataset(filters.FilterSet):  # type: ignore[misc]
    """Narrows a list to what was made of a dataset's versions."""

    dataset = filters.CharFilter(field_name="version__dataset__slug", max_length=60)


class ProblemSerializer(serializers.Serializer[Any]):
    """One thing that is wrong with a file."""

    message = serializers.CharField()
    row = serializers.IntegerField(allow_null=True)
    column = serializers.CharField(allow_null=True)
    value = serializers.CharField(allow_null=True)


class FileProblemSerializer(serializers.Serializer[Any]):
    """Why a file is not taken: the first 100 problems, and the count of all."""

    detail = serializers.CharField()
    problems = ProblemSerializer(many=True)
    count = serializers.IntegerField()


def refuse(wrong: FileProblem) -> Response:
    """A 400 that says what is wrong with a file, and where."""
    found = {"problems": ProblemSerializer(wrong.problems, many=True).data, "count": wrong.count}
    body = problem(status.HTTP_400_BAD_REQUEST, str(wrong), **found)
    return Response(body, status=status.HTTP_400_BAD_REQUEST, content_type=MEDIA_TYPE)


class Texts(serializers.ListField):
    """A list of short texts."""

    child = Text(max_length=200)
