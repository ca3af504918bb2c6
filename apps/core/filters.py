"""Filters of API lists: declared key by key, and refused where their value is not one of those said."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django_filters import BooleanFilter, CharFilter
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView


class Filters(DjangoFilterBackend):  # type: ignore[misc]
    """django-filter's backend; an empty value (`?state=`), or a truth that is none, is a mistake, not
    "everything"."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        filterset = self.get_filterset(request, queryset, view)
        for name, one in filterset.filters.items() if filterset is not None else ():
            if not isinstance(one, CharFilter) and request.query_params.get(name) == "":
                raise ValidationError({name: ["Leave it out, or give one of its values."]})
            truth = request.query_params.get(name, "true").lower()
            if isinstance(one, BooleanFilter) and truth not in ("true", "false"):
                raise ValidationError({name: ["Say true or false."]})
        return super().filter_queryset(request, queryset, view)


class Listing(BaseFilterBackend):
    """What every list can be asked alike: what its names hold, when it was made, in which order.

    A view says what is searched (`search_fields`; without any, there is no `search`) and what may order
    it (`ordering_fields`, else when a thing was made). Only whole lists are narrowed: an action on one
    object takes no part.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> Any:
        if getattr(view, "action", "") != "list":
            return queryset
        asked, fields = request.query_params, self._searched(view)
        if fields and "search" in asked:
            text = _text(asked["search"])
            among = (Q(**{f"{field}__icontains": text}) for field in fields)
            queryset = queryset.filter(reduce(or_, among))
        for name, lookup in _MOMENTS.items():
            if name in asked:
                queryset = queryset.filter(**{lookup: _moment(name, asked[name])})
        if "ordering" in asked:
            orders = self._orders(view)
            if asked["ordering"] not in orders:
                raise ValidationError({"ordering": [f"Order by one of {', '.join(orders)}."]})
            queryset = queryset.order_by(asked["ordering"], "pk")
        return queryset

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """For the OpenAPI document."""
        if getattr(view, "action", "") != "list":
            return []
        fields = self._searched(view)
        said = {
            "created_after": ("Made at this time or later.", _MOMENT),
            "created_before": ("Made before this time.", _MOMENT),
            "ordering": (
                "In which order; a hyphen turns it round.",
                {"type": "string", "enum": self._orders(view)},
            ),
        }
        if fields:
            words = " or ".join(field.replace("__", " ").replace("_", " ") for field in fields)
            text = f"What {words} holds, in any case."
            said["search"] = (text, {"type": "string", "minLength": 1, "maxLength": _LONGEST})
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, (text, schema) in said.items()
        ]

    def _searched(self, view: APIView) -> Sequence[str]:
        fields: Sequence[str] = getattr(view, "search_fields", ())
        return fields

    def _orders(self, view: APIView) -> list[str]:
        fields = getattr(view, "ordering_fields", ("created_at",))
        return [f"{sign}{field}" for field in fields for sign in ("", "-")]


_LONGEST = 200  # letters; SQLite refuses patterns that are far longer
_MOMENTS = {"created_after": "created_at__gte", "created_before": "created_at__lt"}
_MOMENT = {"type": "string", "anyOf": [{"format": "date"}, {"format": "date-time"}]}


def _text(text: str) -> str:
    if not 1 <= len(text) <= _LONGEST or "\x00" in text:
        raise ValidationError(
            {"search": [f"Search for 1 to {_LONGEST} letters, none of them NUL."]}
        )
    return text


def _moment(name: str, text: str) -> datetime:
    """A day (its first moment) or a time; without an offset in UTC."""
    try:
        at = datetime.fromisoformat(text)
        # Databases and offsets have no room beside the first and the last year there is.
        if not 1900 <= at.year <= 9000:
            raise ValueError
    except ValueError:
        raise ValidationError(
            {name: ["Give a day or a time, as in 2026-11-28 or 2026-11-28T09:30:00Z."]}
        ) from None
    # PostgreSQL takes no offset beyond 16 hours.
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
