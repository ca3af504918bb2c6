"""API of this room. Reads begin at what is visible; writes go through the services."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.catalog.api.shared import OnDataset, person, version_asked
from apps.core.cards import card_of
from apps.core.prose import plain
from apps.leaderboards import queries, services
from apps.leaderboards.cards import claim_of
from apps.leaderboards.comparing.items import as_plain
from apps.leaderboards.comparing.page import ComparePage
from apps.leaderboards.models import Board
from apps.leaderboards.pages.history import history
from apps.leaderboards.pages.pairs import PairsPage
from apps.leaderboards.pages.together import TogetherPage, slugs_asked
from apps.leaderboards.pages.whatif import MOST
from apps.leaderboards.parts import WHOLE, Part, shown
from apps.leaderboards.whatif import flips, options, with_prices
from apps.leaderboards.words import verdict


class BoardSerializer(serializers.ModelSerializer[Board]):
    dataset: Any = serializers.SlugRelatedField(
        source="version.dataset", slug_field="slug", read_only=True
    )
    version = serializers.IntegerField(source="version.number", read_only=True)
    summary = serializers.JSONField(
        source="current.summary", read_only=True, allow_null=True, default=None
    )
    computed_at = serializers.DateTimeField(
        source="current.created_at", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Board
        fields = [
            "id",
            "team",
            "slug",
            "name",
            "dataset",
            "version",
            "delta",
            "alpha",
            "input_tokens",
            "output_tokens",
            "seed",
            "job",
            "summary",
            "computed_at",
            "created_at",
        ]
        read_only_fields = fields


class NewBoardSerializer(serializers.Serializer[Any]):
    """What a board asks of a dataset version."""

    dataset = serializers.SlugField(max_length=60, help_text="The dataset's slug.")
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="Its newest one when left out."
    )
    name = serializers.CharField(max_length=200)
    delta = serializers.FloatField(min_value=0, max_value=1, default=0.01)
    alpha = serializers.FloatField(min_value=0.001, max_value=0.5, default=0.05)
    input_tokens = serializers.IntegerField(min_value=0, max_value=10_000_000, default=1000)
    output_tokens = serializers.IntegerField(min_value=0, max_value=10_000_000, default=200)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)


class NextItemsSerializer(serializers.Serializer[Any]):
    """Items worth labelling next, the most useful first."""

    method = serializers.CharField()
    items = serializers.ListField(child=serializers.CharField())


OBJECT = {200: OpenApiResponse({"type": "object", "additionalProperties": {}})}


class TogetherQuery(serializers.Serializer[Any]):
    """Which boards are looked at together."""

    board = serializers.ListField(
        child=serializers.SlugField(max_length=60),
        min_length=2,
        max_length=12,
        help_text="The slug of a board; two to twelve of different dataset versions.",
    )


class PartQuery(serializers.Serializer[Any]):
    """Of which labelled items the numbers are; all where nothing is said."""

    slice = serializers.CharField(
        required=False, max_length=400, help_text="`name:value`: only items of it."
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """One of the names is a word of Python."""
        label = serializers.CharField(
            required=False, max_length=400, help_text="Only items of this class."
        )
        return {**super().get_fields(), "class": label}


class PairsQuery(PartQuery):
    """Which models stand in the matrix."""

    model = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        help_text="A name; the twelve that lead when fewer than two are named, at most twenty.",
    )


class WhatIfQuery(PartQuery):
    """Other prices of some models: the first price is of the first model."""

    model = serializers.ListField(
        child=serializers.CharField(max_length=200), min_length=1, max_length=MOST
    )
    price = serializers.ListField(
        child=serializers.FloatField(min_value=0, max_value=1_000_000),
        min_length=1,
        max_length=MOST,
        help_text="US dollars a call.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A price for each model, and each model once."""
        models, prices = attrs["model"], attrs["price"]
        if len(models) != len(prices):
            raise ValidationError({"price": ["Give one price for each model, in their order."]})
        if len(set(models)) < len(models):
            raise ValidationError({"model": ["Name each model once."]})
        return attrs


class CompareQuery(serializers.Serializer[Any]):
    """Which models are compared, and how."""

    models = serializers.CharField(
        required=False,
        max_length=2000,
        help_text="Two to six names joined by commas, the first is the baseline; the two that lead "
        "when left out.",
    )
    model = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        help_text="A name, for names that hold a comma.",
    )
    against = serializers.ChoiceField(
        ["first"],
        required=False,
        help_text="Test against the first model alone; all pairs when left out.",
    )


class CompareItemsQuery(CompareQuery):
    """The same, and which items are listed."""

    show = serializers.ChoiceField(
        ["all"], required=False, help_text="Items on which the models agree too."
    )
    labelled = serializers.ChoiceField(["yes", "no"], required=False)
    by = serializers.CharField(
        required=False, max_length=200, help_text="With `said`: only items on which it said that."
    )
    said = serializers.CharField(required=False, max_length=200)
    slice = serializers.CharField(required=False, max_length=200, help_text="`name:value`")
    q = serializers.CharField(
        required=False, max_length=200, help_text="What the item's id or text holds, in any case."
    )
    page = serializers.IntegerField(required=False, min_value=1, max_value=10**9)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Two of the names are words of Python, one is taken by the field's own."""
        label = serializers.CharField(
            required=False, max_length=200, help_text="Only items of this class."
        )
        says = serializers.ListField(
            child=serializers.CharField(max_length=210),
            required=False,
            help_text="`right:`, `wrong:` or `none:` and a model.",
        )
        start = serializers.IntegerField(
            required=False,
            min_value=0,
            max_value=10**9,
            help_text="Where a search goes on: the `following` of its answer.",
        )
        return {**super().get_fields(), "label": label, "is": says, "from": start}


class BoardViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Board]
):
    """Boards: models ranked on the labelled items of a dataset version."""

    queryset = Board.objects.none()
    serializer_class = BoardSerializer
    filterset_class = OnDataset
    search_fields = ("name",)
    ordering_fields = ("name", "created_at")
    lookup_field = "slug"

    def get_queryset(self) -> QuerySet[Board]:
        return queries.boards(person(self.request))

    @extend_schema(request=NewBoardSerializer, responses={201: BoardSerializer})
    def create(self, request: Request) -> Response:
        """Make a board and compute it in the background."""
        serializer = NewBoardSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = dict(serializer.validated_data)
        user = person(request)
        version = version_asked(user, asked)
        board = services.create_board(user=user, version=version, **asked)
        return Response(BoardSerializer(board).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: OpenApiResponse(description="The board is gone.")})
    def destroy(self, request: Request, slug: str) -> Response:
        """Delete a board, its numbers and its links."""
        services.delete_board(user=person(request), board=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(parameters=[PartQuery], responses=OBJECT, filters=False)
    @action(detail=True, pagination_class=None)
    def result(self, request: Request, slug: str) -> Response:
        """All numbers of the board, or of a part of its labelled items; 404 while there are none."""
        return Response(self._result(self._part(request, PartQuery)))

    @extend_schema(responses={200: OpenApiResponse({"type": "object", "additionalProperties": {}})})
    @action(detail=True)
    def card(self, request: Request, slug: str) -> Response:
        """The result card, which `manage.py verify` recomputes; 404 while there are no numbers."""
        board = self.get_object()
        if board.current is None:
            raise NotFound("This board has no numbers yet.")
        return Response(card_of(claim_of(board, board.current)))

    @extend_schema(responses=NextItemsSerializer)
    @action(detail=True, url_path="next-items")
    def next_items(self, request: Request, slug: str) -> Response:
        """The items worth labelling next; 404 while the board has no numbers."""
        listed = self._result()["next"]
        items = [item["id"] for item in listed["items"]]
        return Response({"method": listed["method"], "items": items})

    @extend_schema(request=None, responses={202: BoardSerializer})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, slug: str) -> Response:
        """Bring the board up to date in the background."""
        board = self.get_object()
        services.refresh_board(user=person(request), board=board)
        return Response(BoardSerializer(board).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(parameters=[TogetherQuery], responses=OBJECT, filters=False)
    @action(detail=False, pagination_class=None)
    def together(self, request: Request) -> Response:
        """Two to twelve boards: models by their mean accuracy over the datasets, ranks on the mean."""
        TogetherQuery(data=request.query_params).is_valid(raise_exception=True)
        asked = slugs_asked(request.query_params)
        found = {board.slug: board for board in self.get_queryset().filter(slug__in=asked)}
        page = TogetherPage([found[slug] for slug in asked if slug in found])
        if page.problem or len(found) < len(asked):
            raise ValidationError({"board": [page.problem or "There is no such board."]})
        return Response({"boards": asked, "alpha": page.alpha, **page.numbers})

    @extend_schema(parameters=[CompareQuery], responses=OBJECT, filters=False)
    @action(detail=True, pagination_class=None)
    def compare(self, request: Request, slug: str) -> Response:
        """Two to six models: paired differences, tests, confusions and slices."""
        return Response(self._comparison(request, CompareQuery).document)

    @extend_schema(parameters=[CompareItemsQuery], responses=OBJECT, filters=False)
    @action(detail=True, url_path="compare/items", pagination_class=None)
    def compare_items(self, request: Request, slug: str) -> Response:
        """Items side by side, 25 at a time; a search says where it goes on."""
        found = self._comparison(request, CompareItemsQuery).found
        return Response(
            {
                "total": found.total,
                "page": found.page,
                "pages": found.pages,
                "looked_at": found.looked_at,
                "following": found.following,
                "items": [as_plain(item) for item in found.items],
            }
        )

    @extend_schema(parameters=[PairsQuery], responses=OBJECT, filters=False)
    @action(detail=True, pagination_class=None)
    def pairs(self, request: Request, slug: str) -> Response:
        """Who beats whom: items that only one of two models got right, tests after Holm."""
        part = self._part(request, PairsQuery)
        if part:
            self._result(part)
        page = PairsPage(self.get_object(), request.query_params, "")
        if page.matrix is None:
            raise NotFound(
                plain(page.problem) or "Nothing is kept yet of who beats whom on this board."
            )
        return Response(page.matrix)

    @extend_schema(responses=OBJECT, filters=False)
    @action(detail=True, pagination_class=None)
    def history(self, request: Request, slug: str) -> Response:
        """What the board said as models, labels and prices joined, newest first."""
        return Response({"answers": [answer.as_plain() for answer in history(self.get_object())]})

    @extend_schema(parameters=[WhatIfQuery], responses=OBJECT, filters=False)
    @action(detail=True, url_path="what-if", pagination_class=None)
    def what_if(self, request: Request, slug: str) -> Response:
        """What the board would recommend if some models cost so many US dollars a call."""
        result = self._result(Part.read(request.query_params))
        asked = WhatIfQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        if not result["ranking"]:
            raise NotFound(plain(result["problem"]) or "This board ranks nothing yet.")
        prices = dict(zip(*(asked.validated_data[key] for key in ("model", "price")), strict=True))
        unknown = prices.keys() - {row["model"] for row in result["ranking"]["rows"]}
        if unknown:
            raise ValidationError({"model": [f"The board has no model {min(unknown)!r}."]})
        changed = with_prices(result, prices)
        before, after = flips(result, changed)
        return Response(
            {
                "recommended": before,
                "would_be": after,
                "verdict": verdict(changed).sentence,
                "options": [asdict(option) for option in options(changed)],
            }
        )

    def _comparison(self, request: Request, query: type[CompareQuery]) -> ComparePage:
        board = self.get_object()
        query(data=request.query_params).is_valid(raise_exception=True)
        page = ComparePage(board, request.query_params, f"/boards/{board.slug}/compare/")
        if page.problem:
            raise ValidationError({"models": [plain(page.problem)]})
        return page

    def _part(self, request: Request, query: type[PartQuery]) -> Part:
        query(data=request.query_params).is_valid(raise_exception=True)
        return Part.read(request.query_params)

    def _result(self, part: Part = WHOLE) -> dict[str, Any]:
        """The result; of a part where one is asked for. One that the board does not have is refused."""
        board = self.get_object()
        if board.current is None:
            raise NotFound("This board has no numbers yet.")
        result = shown(board.current, part)
        if part and not ("part" in result and result["labels"]):
            field = "slice" if part.slice else "class"
            said = plain(result["problem"]) or "This board ranks nothing yet."
            raise ValidationError({field: [said]})
        return result
