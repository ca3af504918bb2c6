"""A model behind an endpoint that judges answers: its verdicts are predictions, as any classifier's are.

So judges stand on boards, and which one to trust is found with few labels, like any other candidate.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings as django_settings

from apps.inference.endpoints.judging import GRADE_CLASSES, PAIR_CLASSES, Judge
from apps.inference.endpoints.runner import Script
from apps.inference.kinds.base import Gives
from apps.inference.kinds.endpoint import EndpointKind
from apps.inference.kinds.settings import Setting
from apps.inference.runners.base import RunnerFailed
from apps.inference.scorers.judge import Case, ask_about

if TYPE_CHECKING:
    from apps.inference.models import Run

LETTERS_AROUND = len(ask_about(Case("", "", ""), secret="").prompt)


class JudgeKind(EndpointKind):
    """See `Kind`. `settings["instructions"]`: the criterion, in place of the usual one."""

    name = "judge"
    title = "Judge of answers, behind an OpenAI-compatible endpoint"
    gives = Gives.LABEL
    settings = (
        Setting(
            "instructions",
            "",
            "Criterion",
            "What makes an answer the better one, or a right one. Left empty, the usual question is asked.",
        ),
        *EndpointKind.settings[1:],
    )

    def asks(self, classes: Sequence[str]) -> tuple[int, int]:
        """Both orders of a pair, each with what a judge is told."""
        return (2 if set(classes) == {*PAIR_CLASSES} else 1), LETTERS_AROUND

    def script(self, run: Run, classes: Sequence[str]) -> Script:
        """Both orders of each pair, or one question for each answer with a reference."""
        if set(classes) not in ({*PAIR_CLASSES}, {*GRADE_CLASSES}):
            raise RunnerFailed(
                "A judge judges cases: make a dataset of them from the answers of runs first."
            )
        secret = hmac.new(django_settings.SECRET_KEY.encode(), str(run.pk).encode(), sha256)
        return Judge(run.source.location, run.settings, classes=classes, secret=secret.hexdigest())
