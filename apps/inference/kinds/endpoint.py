"""Models behind an OpenAI-compatible endpoint.

`ModelSource.location` is the endpoint's own name of the model, `settings["endpoint"]` the slug of the team's
endpoint; the other settings are what is asked with every question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from apps.inference.budgets import Purse
from apps.inference.endpoints.models import Endpoint
from apps.inference.endpoints.runner import Chat, EndpointRunner, Script
from apps.inference.endpoints.services import access_to
from apps.inference.endpoints.sharing import Share
from apps.inference.kinds.base import Gives
from apps.inference.kinds.settings import Setting, unstorable
from apps.inference.runners.base import RunnerFailed

if TYPE_CHECKING:
    from apps.inference.models import ModelSource, Run

MAX_INSTRUCTIONS = 20_000
DEFAULT_MAX_TOKENS = 512
_LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
# Each with its default, the least and the most it may be; None: it is not sent.
_NUMBERS: dict[str, tuple[type, Any, float, float]] = {
    "temperature": (float, 0, 0, 2),
    "top_p": (float, None, 0, 1),
    "seed": (int, None, 0, 2**31 - 1),
    "max_new_tokens": (int, DEFAULT_MAX_TOKENS, 1, 200_000),
}


class EndpointKind:
    """See `Kind`."""

    name = "endpoint"
    title = "Model behind an OpenAI-compatible endpoint"
    gives = Gives.TEXT
    settings = (
        Setting("instructions", "", "Instructions", "Sent before every prompt."),
        Setting("max_new_tokens", DEFAULT_MAX_TOKENS, "New tokens, at most", low=1, high=200_000),
        Setting(
            "temperature", 0.0, "Temperature", "0 takes the likeliest token always.", low=0, high=2
        ),
    )
    reads_images = False
    local = False
    chunk = 1

    def clean(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Instructions, sampling and limits of a question, and the endpoint's slug."""
        known = {"endpoint", "instructions", "limit_name", *_NUMBERS}
        if unknown := sorted(settings.keys() - known):
            raise _fault(unknown[0], f"There is no setting `{unknown[0][:40]}` for endpoints.")
        found: dict[str, Any] = {name: _number(name, settings) for name in _NUMBERS}
        found["endpoint"] = settings.get("endpoint", "")
        found["instructions"] = settings.get("instructions", "")
        found["limit_name"] = settings.get("limit_name", _LIMIT_NAMES[0])
        if not isinstance(found["endpoint"], str) or unstorable(found["endpoint"]):
            raise _fault("endpoint", "Name one of the team's endpoints.")
        text = found["instructions"]
        if not isinstance(text, str) or len(text) > MAX_INSTRUCTIONS or unstorable(text):
            raise _fault("instructions", f"Instructions have {MAX_INSTRUCTIONS:,} letters at most.")
        if found["limit_name"] not in _LIMIT_NAMES:
            raise _fault("limit_name", f"The limit is called {' or '.join(_LIMIT_NAMES)}.")
        return found

    def check(self, source: ModelSource) -> None:
        """The endpoint is one of the team's, and the model has a name there."""
        if not source.location:
            raise ValidationError(
                {"location": "Give the endpoint's own name of the model, such as gpt-4o-mini."}
            )
        if _endpoint_of(source) is None:
            raise _fault("endpoint", "Choose one of the team's endpoints.")

    def open(self, run: Run, classes: Sequence[str]) -> EndpointRunner:
        """Ready to ask; the key is opened here and lives as long as the run."""
        source = run.source
        endpoint = _endpoint_of(source)
        if endpoint is None:
            raise RunnerFailed("The endpoint of this model has been deleted.")
        try:
            access = access_to(endpoint)
        except ValidationError as error:
            raise RunnerFailed(error.messages[0]) from error
        return EndpointRunner(
            access,
            model=source.location,
            script=self.script(run, classes),
            purpose=str(run.pk),
            share=Share(endpoint),
            purse=purse_of(run),
        )

    def asks(self, classes: Sequence[str]) -> tuple[int, int]:
        """How many calls an item of a version with these classes takes, and the letters around it."""
        return 1, 0

    def script(self, run: Run, classes: Sequence[str]) -> Script:
        """What is asked for an item."""
        return Chat(run.source.location, run.settings)


def purse_of(run: Run) -> Purse | None:
    """What a run may still spend; None where it has no cap.

    Raises:
        RunnerFailed: it has one, and no price to count with.
    """
    from apps.inference.queries import quote_of

    if run.cap is None:
        return None
    quote = quote_of(run.source)
    if quote is None:
        raise RunnerFailed(f"The run has a cap, and {run.source.model.name} has no price any more.")

    def cost(tokens_in: int, tokens_out: int) -> Decimal:
        return quote.per_call(input_tokens=tokens_in, output_tokens=tokens_out)

    return Purse(
        cap=run.cap,
        left=run.cap - run.spend,
        cost=cost,
        max_tokens=run.settings.get("max_new_tokens"),
        answered=run.answered,
        total=run.total,
    )


def _endpoint_of(source: ModelSource) -> Endpoint | None:
    rows = Endpoint.objects.filter(team=source.team_id, slug=source.settings.get("endpoint", ""))
    found: Endpoint | None = rows.first()
    return found


def _number(name: str, settings: Mapping[str, Any]) -> Any:
    kind, default, least, most = _NUMBERS[name]
    value = settings.get(name, default)
    if value is None:
        return None
    wanted = (int, float) if kind is float else (int,)
    if isinstance(value, bool) or not isinstance(value, wanted) or not least <= value <= most:
        what = "a number" if kind is float else "a whole number"
        raise _fault(name, f"`{name}` is {what} from {least:,} to {most:,}, or nothing.")
    return value


def _fault(name: str, sentence: str) -> ValidationError:
    return ValidationError({name: sentence})
