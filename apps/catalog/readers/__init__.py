"""Reading uploaded files: any of CSV, JSON Lines, Parquet and .npz, into validated arrays.

Pure code: no Django. A bad file raises `FileProblem`, whose problems name row, column and value.
"""

from apps.catalog.readers.items import ItemData, read_items
from apps.catalog.readers.labels import LabelData, read_labels
from apps.catalog.readers.mapping import Mapping
from apps.catalog.readers.outcomes import read_outcomes
from apps.catalog.readers.prediction_data import PredictionData
from apps.catalog.readers.predictions import read_predictions
from apps.catalog.readers.prices import ModelRow, Price, read_models, read_prices
from apps.catalog.readers.problems import FileProblem, Problem, ReadingStopped
from apps.catalog.readers.sniffing import Sniffed, sniff

__all__ = [
    "FileProblem",
    "ItemData",
    "LabelData",
    "Mapping",
    "ModelRow",
    "PredictionData",
    "Price",
    "Problem",
    "ReadingStopped",
    "Sniffed",
    "read_items",
    "read_labels",
    "read_models",
    "read_outcomes",
    "read_predictions",
    "read_prices",
    "sniff",
]
