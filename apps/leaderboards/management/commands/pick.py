"""Pick a model from a file of predictions and a labelled sample."""

import json
import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.catalog.readers import FileProblem
from apps.catalog.readers.problems import listed, shown
from apps.core.prose import plain
from apps.leaderboards import pick
from apps.leaderboards.compute import Question
from apps.leaderboards.words import verdict


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"`{text}` is not a number between 0 and 1.")
    return value


class Command(BaseCommand):
    help = __doc__
    # Works on files alone: in a fresh clone, without a database.
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "predictions",
            type=Path,
            help="CSV, JSON Lines, Parquet or npz (or a folder with predictions.npz); wide or long",
        )
        parser.add_argument("labels", type=Path, help="item_id,label of a random sample")
        parser.add_argument("--prices", type=Path, help="model,price or model,input,output")
        parser.add_argument(
            "--delta",
            type=_share,
            default=0.01,
            help="accuracy you would give up for a lower price (default 0.01)",
        )
        parser.add_argument("--json", type=Path, help="write the numbers to this file")

    def handle(self, *args: Any, **options: Any) -> None:
        files = pick.Files(options["predictions"], options["labels"], options["prices"])
        try:
            result = pick.pick(files, Question(delta=options["delta"]), today=timezone.localdate())
            if options["json"]:
                text = json.dumps(
                    pick.answer(result), indent=2, ensure_ascii=False, allow_nan=False
                )
                options["json"].write_text(text + "\n", encoding="utf-8")
        except FileProblem as problem:
            self._fail(str(problem))
        except OSError as error:
            self._fail(f"{options['json']} cannot be written ({error.strerror}).")
        try:
            self._say(result)
        except BrokenPipeError:  # as in `pick ... | head`: the reader has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            self._fail(f"The answer cannot be written ({error.strerror}).")

    def _say(self, result: dict[str, Any]) -> None:
        said = verdict(result)
        self.stdout.write(plain(said.sentence) + "\n\n" + pick.as_text(result) + "\n\n")
        for line in (*said.support, *said.cautions):
            self.stdout.write(plain(line) + "\n")
        if result["set_aside"]:
            names = ", ".join(f"`{shown(name)}`" for name in result["set_aside"])
            self.stdout.write(f"Not taken for models: {names}.\n")
        if result["strangers"]:
            self.stdout.write(f"No model answers {listed(result['strangers'])}.\n")
        following = [item["id"] for item in result["next"]["items"]]
        if following:
            self.stdout.write("Label next: " + ", ".join(following) + "\n")
        self.stdout.flush()

    def _fail(self, sentence: str) -> None:
        self.stderr.write(" ".join(sentence.split()))
        sys.exit(2)
