"""What all API endpoints share: pages, errors."""

import re
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import exceptions, serializers
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView
from rest_framework.views import exception_handler as drf_handler

from apps.core.problems import MEDIA_TYPE, problem


class Pages(PageNumberPagination):
    """Numbered pages; a page size that is not a whole number from 1 to 500 is refused."""

    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_number(self, request: Request, paginator: Any) -> int | str:
        numbers = request.query_params.getlist(self.page_query_param) or ["1"]
        if not all(re.fullmatch(r"[0-9]{1,18}", number) for number in numbers):
            raise exceptions.NotFound("A page is a whole number from 1.")
        return numbers[-1]

    def get_page_size(self, request: Request) -> int | None:
        asked = request.query_params.getlist("page_size")
        if not asked:
            return self.page_size
        if not all(re.fullmatch(r"[0-9]{1,3}", text) for text in asked):
            raise _bad_page_size()
        size = int(asked[-1])
        if not 1 <= size <= self.max_page_size:
            raise _bad_page_size()
        return size

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            parameter["schema"]["minimum"] = 1
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"]["maximum"] = self.max_page_size
        return parameters


def _bad_page_size() -> exceptions.ValidationError:
    return exceptions.ValidationError(
        {"page_size": [f"A page has 1 to {Pages.max_page_size} entries."]}
    )


class Text(serializers.CharField):
    """Text, as the document says: a number is refused, not quietly turned into digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, which also turns a service's ValidationError into a 400; always a problem."""
    if isinstance(exc, DjangoValidationError):
        detail = (
            exc.message_dict
            if hasattr(exc, "error_dict")
            else {api_settings.NON_FIELD_ERRORS_KEY: exc.messages}
        )
        exc = exceptions.ValidationError(detail)
    response = drf_handler(exc, context)
    if response is None:
        return None
    body = response.data
    if isinstance(exc, exceptions.ValidationError):
        errors = body if isinstance(body, dict) else {api_settings.NON_FIELD_ERRORS_KEY: body}
        response.data = problem(response.status_code, _first(errors), errors=errors)
    else:
        response.data = problem(response.status_code, str(body.get("detail", exc)))
    response.content_type = MEDIA_TYPE
    return response


def _first(errors: Any) -> str:
    """The first sentence in errors by field, however deep it stands."""
    while isinstance(errors, dict | list) and errors:
        errors = next(iter(errors.values())) if isinstance(errors, dict) else errors[0]
    return str(errors) if errors else "What was sent cannot be taken."
