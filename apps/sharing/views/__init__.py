"""Pages of this room: links for the team that made them, and what each opens."""

from apps.sharing.views.members import (
    link_list,
    link_revoke_chosen,
    share_list,
    share_new,
    share_revoke,
)
from apps.sharing.views.visitors import shared, shared_embed, shared_twin, shared_unlock

__all__ = [
    "link_list",
    "link_revoke_chosen",
    "share_list",
    "share_new",
    "share_revoke",
    "shared",
    "shared_embed",
    "shared_twin",
    "shared_unlock",
]
