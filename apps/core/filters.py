"""Filters of API lists: declared key by key, and refused where their value is not one of those said."""

from typing import Any

from django.db.models import QuerySet
from django_filters import CharFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView


class Filters(DjangoFilterBackend):  # type: ignore[misc]
    """django-filter's backend; an empty value (`?state=`) is a mistake, not "everything"."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        for name, one in filterset.filters.items() if filterset is not None else ():
            if not isinstance(one, CharFilter) and request.query_params.get(name) == "":
                raise ValidationError({name: ["Leave it out, or give one of its values."]})
        return super().filter_queryset(request, queryset, view)
