"""A model behind an endpoint as a judge of answers: each pair is put to it in both orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.inference.endpoints import protocol
from apps.inference.endpoints.protocol import Said
from apps.inference.runners.base import Answer, Question, RunnerFailed
from apps.inference.scorers.judge import (
    FIRST,
    RIGHT,
    SECOND,
    TIE,
    WRONG,
    Asking,
    agreed,
    ask_about,
    read_case,
)

PAIR_CLASSES = (FIRST, TIE, SECOND)
GRADE_CLASSES = (WRONG, RIGHT)


class Judge:
    """What a judge is asked for an item, and the class that its verdicts come to. See `Script`.

    Args:
        secret: what the codes of its questions are made from: the same for a run, known to nobody else.
    """

    def __init__(
        self, model: str, settings: Mapping[str, Any], *, classes: Sequence[str], secret: str
    ) -> None:
        self.classes: Sequence[str] = tuple(classes)
        self.notes: list[str] = []
        self._model, self._secret = model, secret
        self._criterion = str(settings.get("instructions", ""))
        self._settings = {**settings, "instructions": ""}
        self._pairs = self._by_place = 0

    def bodies(self, question: Question) -> list[dict[str, Any]]:
        """See `Script.bodies`."""
        return [
            protocol.chat(self._model, one.prompt, self._settings) for one in self._ask(question)
        ]

    def answer(self, question: Question, said: Sequence[Said]) -> Answer:
        """See `Script.answer`."""
        asked = self._ask(question)
        verdicts = [one.verdict(words.text) for one, words in zip(asked, said, strict=True)]
        if len(asked) == 2:
            verdict = agreed(*verdicts)
            self._note(verdicts)
        else:
            verdict = verdicts[0]
        if verdict is None or verdict not in self.classes:
            return Answer(question.item_id, failure="The judge ended without a verdict.")
        return Answer(question.item_id, label=self.classes.index(verdict))

    def _ask(self, question: Question) -> list[Asking]:
        try:
            case = read_case(question.prompt)
        except ValueError as error:
            raise RunnerFailed(f"Item {question.item_id[:80]}: {error}") from error
        orders = [case, case.swapped()] if case.is_pair else [case]
        return [ask_about(one, secret=self._secret, criterion=self._criterion) for one in orders]

    def _note(self, verdicts: Sequence[str | None]) -> None:
        self._pairs += 1
        self._by_place += verdicts[0] == verdicts[1] and verdicts[0] in ("first", "second")
        share = self._by_place / self._pairs
        self.notes = [
            f"Asked in both orders, the judge chose by the place {self._by_place:,} times in "
            f"{self._pairs:,} pairs ({share:.0%}): those are ties."
        ]
