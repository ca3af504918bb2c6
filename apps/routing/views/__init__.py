"""Pages of this room."""

from apps.routing.views.evaluations import (
    evaluation_card,
    evaluation_chart,
    evaluation_chart_spec,
    evaluation_delete,
    evaluation_detail,
    evaluation_new,
    evaluation_refresh,
    evaluation_twin,
)
from apps.routing.views.routers import (
    router_delete,
    router_detail,
    router_list,
    router_new,
    router_new_model,
    router_prompts,
    router_roll_back,
    router_train,
    router_try,
)

__all__ = [
    "evaluation_card",
    "evaluation_chart",
    "evaluation_chart_spec",
    "evaluation_delete",
    "evaluation_detail",
    "evaluation_new",
    "evaluation_refresh",
    "evaluation_twin",
    "router_delete",
    "router_detail",
    "router_list",
    "router_new",
    "router_new_model",
    "router_prompts",
    "router_roll_back",
    "router_train",
    "router_try",
]
