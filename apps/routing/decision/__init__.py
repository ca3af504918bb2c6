"""The one place that decides: from a forecast, a dial or a budget, constraints and the guard to a
model and its reason. Routers only forecast. Plain numpy."""

from .budget import Aim, Dial, Purse
from .choice import Decision, choose, explain
from .constraints import NO_CONSTRAINTS, Constraints, ModelFacts, Trait, eligible, penalties
from .guard import Guard, dial_steps
from .held_out import ForecastsItself, held_out_forecast, untold

__all__ = [
    "NO_CONSTRAINTS",
    "Aim",
    "Constraints",
    "Decision",
    "Dial",
    "ForecastsItself",
    "Guard",
    "ModelFacts",
    "Purse",
    "Trait",
    "choose",
    "dial_steps",
    "eligible",
    "explain",
    "held_out_forecast",
    "penalties",
    "untold",
]
