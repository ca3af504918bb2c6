"""Fills an empty data folder for the crowd: the demo, its numbers, and the people who will come.

Run as a module with the number of people it prints JSON of what they need to know.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django

SELECTIONS = 10  # that people share, so that none runs out of items


def furnish(people: int) -> dict[str, Any]:
    """The demo with all its jobs done; addresses of pages, and a sign-in address for each person."""
    from django.core.management import call_command
    from django.urls import reverse

    from apps.core.demo.people import local_admin, local_team
    from apps.core.management.commands.up import migrate
    from apps.jobs.runner import run_next
    from apps.leaderboards.models import Board
    from apps.routing.models import Evaluation, Router
    from apps.selection.services import start_session
    from apps.sharing.services import create_link
    from apps.teams.models import Membership, Role, User
    from apps.teams.services import create_token, make_sign_in_link

    migrate()
    call_command("demo", stdout=sys.stderr)
    while run_next() is not None:
        pass
    admin = local_admin()
    team = local_team(admin) if admin else None
    if admin is None or team is None:
        raise LookupError("The demo has no admin.")
    board = Board.objects.select_related("version", "current").get(current__isnull=False)
    comers = [User.objects.create_user(f"person-{n}@localhost") for n in range(people)]
    Membership.objects.bulk_create(
        Membership(team=team, user=user, role=Role.EDITOR) for user in comers
    )
    selections = [
        start_session(user=admin, version=board.version, name=f"Crowd {n}")
        for n in range(min(SELECTIONS, people))
    ]
    _, shared = create_link(user=admin, board=board)
    _, token = create_token(user=admin, team=team, name="crowd", scope=Role.VIEWER)
    return {
        "people": [make_sign_in_link(user) for user in comers],
        "board": reverse("board_detail", args=[board.slug]),
        "models": sorted(board.version.outputs.values_list("model__name", flat=True)),
        "selections": [reverse("selection_detail", args=[one.pk]) for one in selections],
        "evaluations": [
            reverse("evaluation_detail", args=[one.pk]) for one in Evaluation.objects.all()
        ],
        "router": Router.objects.get().slug,
        "shared": reverse("shared", args=[shared]),
        "token": token,
    }


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    print(json.dumps(furnish(int(sys.argv[1]))))
