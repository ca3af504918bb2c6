"""`manage.py route SLUG "prompt"`: where a router would send a prompt, and why."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Decide where a prompt goes: the model on the first line, then why."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the router's, as in its address")
        parser.add_argument("prompt", help="the text, or - to read it from standard input")
        parser.add_argument("--budget", type=float, help="US dollars a prompt, on average")
        parser.add_argument(
            "--lambda",
            dest="lambda_",
            type=float,
            help="what a US dollar saved is worth in expected score",
        )
        parser.add_argument("--flag", action="append", default=[], help="for instance: small model")
        parser.add_argument("--json", action="store_true", help="the whole decision as JSON")

    def handle(self, *, slug: str, prompt: str, json: bool, **options: Any) -> None:
        from apps.routing.models import Router
        from apps.routing.serving import route

        router = Router.objects.select_related("current").filter(slug=slug).first()
        if router is None:
            known = ", ".join(Router.objects.values_list("slug", flat=True)[:10])
            raise CommandError(f"There is no router `{slug}`; there are: {known or 'none yet'}.")
        text = sys.stdin.read() if prompt == "-" else prompt
        try:
            routed = route(
                router,
                text,
                budget=options["budget"],
                lambda_=options["lambda_"],
                flags=options["flag"],
            )
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_json(routed) if json else _lines(routed))


def _lines(routed: Any) -> str:
    forecast = sorted(routed.forecast, key=lambda one: -one.score)
    rows = [
        f"  {one.model:<30} {one.score:.2f}  "
        + ("cost unknown" if one.cost is None else f"${one.cost:.3g}")
        for one in forecast
    ]
    took = f"{routed.milliseconds:.1f} ms, version {routed.version.number}"
    return "\n".join([routed.decision.name, routed.decision.reason, *rows, took])


def _json(routed: Any) -> str:
    from apps.routing.api import decision_of

    return json.dumps(decision_of(routed), indent=2)
