"""What an evaluation of routers measures: plain numpy."""

from .calibration import Calibration
from .curve import Hull, hull
from .resampling import bootstrap_weights, interval
from .two_models import GapCurve, gap_curve

__all__ = [
    "Calibration",
    "GapCurve",
    "Hull",
    "bootstrap_weights",
    "gap_curve",
    "hull",
    "interval",
]
