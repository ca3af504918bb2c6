"""What the API of this room shares."""

from typing import Any, cast

from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.readers import FileProblem
from apps.core.api import Text
from apps.teams.models import Team, User


def person(request: Request) -> User:
    return cast(User, request.user)


def team_of(request: Request) -> Team:
    """The team of the token, or the one that the session looks at."""
    team = getattr(request._request, "team", None)
    if team is None:
        raise PermissionDenied("Make a team first, or have yourself invited to one.")
    return cast(Team, team)


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


def refuse(problem: FileProblem) -> Response:
    """A 400 that says what is wrong with a file, and where."""
    body = {"detail": str(problem), "problems": problem.problems, "count": problem.count}
    return Response(FileProblemSerializer(body).data, status=status.HTTP_400_BAD_REQUEST)


class Texts(serializers.ListField):
    """A list of short texts."""

    child = Text(max_length=200)
