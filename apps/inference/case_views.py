"""The page that makes cases for judges out of a run's answers, and the same through the API."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import Text
from apps.core.forms import complaints_to
from apps.inference import cases, queries
from apps.inference.models import Run
from apps.teams.access import MemberRequest, get_visible, member_required
from apps.teams.models import Role, User
from apps.teams.services import require

_OFFERED = 100  # runs to compare with


class CasesForm(forms.Form):
    """What a run's answers are held against."""

    against = forms.ChoiceField(
        label="What its answers are judged against",
        help_text="Another run's answers to the same items, in pairs, or the references.",
    )
    name = forms.CharField(label="Name of the dataset", max_length=200, required=False)

    def __init__(self, *args: Any, run: Run, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = queries.runs(user).filter(version=run.version).exclude(pk=run.pk)
        others = others.exclude(answers_blob="")[:_OFFERED]
        self.runs: dict[str, Run] = {one.slug: one for one in others}
        against = self.fields["against"]
        assert isinstance(against, forms.ChoiceField)  # noqa: S101
        against.choices = [
            ("", "the references, one answer at a time"),
            *((slug, f"the answers of {one.source.model.name}") for slug, one in self.runs.items()),
        ]
        against.required = False


@member_required
@require_http_methods(["GET", "POST"])
def run_judge(request: MemberRequest, slug: str) -> HttpResponse:
    """Make a dataset of cases; a judge is then run on it like any other model."""
    run: Run = get_visible(queries.runs(request.user), request.user, slug=slug)
    require(user=request.user, team=run.team, role=Role.EDITOR)
    form = CasesForm(request.POST or None, run=run, user=request.user)
    if request.method == "POST" and form.is_valid():
        other = form.runs.get(form.cleaned_data["against"])
        with complaints_to(form):
            made = _made(request.user, run, other, form.cleaned_data["name"])
            text = (
                f"{made.version.item_count:,} cases are ready: run a judge on them, or label them."
            )
            if made.left_out:
                text += f" {made.left_out:,} items had no answer to judge."
            messages.success(request, text)
            return redirect("version_detail", made.version.dataset.slug, made.version.number)
    context = {"form": form, "run": run}
    code = 400 if form.errors else 200
    return render(request, "inference/run_judge.html", context, status=code)


def _made(user: User, run: Run, other: Run | None, name: str) -> cases.Made:
    if other is None:
        return cases.make_grades(user=user, run=run, name=name)
    return cases.make_pairs(user=user, first=run, second=other, name=name)


class CasesSerializer(serializers.Serializer[Any]):
    """Which answers are judged, and against what."""

    run = Text(max_length=60, help_text="The slug of a run that answered in words: its model is A.")
    other = Text(
        max_length=60,
        required=False,
        help_text="The slug of a run over the same items: its model is B. Without one: the references.",
    )
    name = Text(max_length=200, required=False, allow_blank=True)


class CasesMadeSerializer(serializers.Serializer[Any]):
    """The dataset of cases."""

    dataset = serializers.CharField()
    version = serializers.IntegerField()
    items = serializers.IntegerField()
    left_out = serializers.IntegerField(help_text="Items without an answer to judge.")


class Cases(APIView):
    """Cases for judges: the answers of runs as items of a dataset."""

    @extend_schema(
        operation_id="cases_create", request=CasesSerializer, responses={201: CasesMadeSerializer}
    )
    def post(self, request: Request) -> Response:
        """Make a dataset of cases (editors)."""
        user = cast(User, request.user)
        serializer = CasesSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        run = get_visible(queries.runs(user), user, slug=asked["run"])
        require(user=user, team=run.team, role=Role.EDITOR)
        other = None
        if asked.get("other"):
            other = get_visible(queries.runs(user), user, slug=asked["other"])
        made = _made(user, run, other, asked.get("name", ""))
        found = {
            "dataset": made.version.dataset.slug,
            "version": made.version.number,
            "items": made.version.item_count,
            "left_out": made.left_out,
        }
        return Response(CasesMadeSerializer(found).data, status=status.HTTP_201_CREATED)
