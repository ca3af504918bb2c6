"""How a page or an endpoint gets at an object: visible to this person, or it does not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from apps.teams.models import Role, Team, User


class MemberRequest(HttpRequest):
    """A request of someone signed in, with the team that is looked at."""

    user: User
    team: Team


def member_required(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For pages that need a team: signs in whoever is signed out, lets the teamless make one."""

    @wraps(view)
    def checked(request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.team is None:
            return redirect("team_new")
        return view(request, *args, **kwargs)

    return login_required(checked)


def get_visible(kind: type[Model] | QuerySet[Any, Any], user: Any, **lookup: Any) -> Any:
    """The one row of a model (or a queryset) with `visible_to` that `lookup` names for `user`.

    Raises Http404 where there is none, whether it does not exist or belongs to another team: the
    two cannot be told apart.
    """
    rows: Any = kind if isinstance(kind, QuerySet) else kind._default_manager.all()
    try:
        return rows.visible_to(user).get(**lookup)
    except (ObjectDoesNotExist, ValueError):
        raise Http404(f"There is no such {rows.model._meta.verbose_name} here.") from None


def may(user: User, team: Team | None, role: Role) -> bool:
    """Whether `user` holds at least `role` in `team`: what pages ask before they show a button."""
    held = user.roles.get(team.pk) if team is not None and user.is_authenticated else None
    return held is not None and held >= role


def asker_may(request: HttpRequest, role: Role) -> bool:
    """Whether the person behind a request holds at least `role` in the team that is looked at."""
    return may(request.user, getattr(request, "team", None), role)  # type: ignore[arg-type]
