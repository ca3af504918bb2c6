"""Page addresses of this room: each kind's links beside its own pages, and what a token opens."""

from django.urls import URLPattern, path

from apps.core import twins
from apps.sharing import views
from apps.sharing.kinds import KINDS, Kind


def _of(kind: Kind) -> list[URLPattern]:
    links, named = f"{kind.plural}/<{kind.key}>/links/", {"kind": kind.name}
    return [
        path(links, views.share_list, named, name=f"{kind.name}_links"),
        path(f"{links}new/", views.share_new, named, name=f"{kind.name}_link_new"),
    ]


urlpatterns = [
    *(pattern for kind in KINDS.values() for pattern in _of(kind)),
    path("links/", views.link_list, name="link_list"),
    path("links/revoke/", views.link_revoke_chosen, name="link_revoke_chosen"),
    path("links/<uuid:pk>/revoke/", views.share_revoke, name="link_revoke"),
    *twins.paths("s/<str:token>", "shared", views.shared_twin),
    path("s/<str:token>/", views.shared, name="shared"),
    path("s/<str:token>/embed/", views.shared_embed, name="shared_embed"),
    path("s/<str:token>/unlock/", views.shared_unlock, name="shared_unlock"),
]
