"""What an evaluation of routers measures: plain numpy."""

from .calibration import Calibration
from .curve import Hull, hull, mean_between
from .resampling import bootstrap_weights, effective_units, interval
from .two_models import GapCurve, gap_curve

__all__ = [
    "Calibration",
    "GapCurve",
    "Hull",
    "bootstrap_weights",
    "effective_units",
    "gap_curve",
    "hull",
    "interval",
    "mean_between",
]
