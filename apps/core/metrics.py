"""What /metrics tells beside the counters of requests: gauges that rooms read from the database.

Counters live in the processes that count. Where several processes serve, PROMETHEUS_MULTIPROC_DIR names
a folder of their machine in which they put them together (`manage.py up` and the container set it).
"""

import logging
import os
from collections.abc import Callable, Iterable

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

Gauges = Callable[[], Iterable[GaugeMetricFamily]]
_gauges: list[Gauges] = []

DECISIONS = Counter("assay_decisions", "Prompts that a router decided on.", ["outcome"])


def register(gauges: Gauges) -> Gauges:
    """Decorator: /metrics asks this function too. Rooms register theirs in their `metrics.py`."""
    _gauges.append(gauges)
    return gauges


class FromTheDatabase(Collector):
    """Every registered gauge; one that cannot be read is left out, and said to be."""

    def collect(self) -> Iterable[Metric]:
        failures = GaugeMetricFamily(
            "assay_gauges_unreadable", "Groups of gauges that could not be read just now."
        )
        failed = 0
        for gauges in _gauges:
            try:
                yield from list(gauges())
            except Exception as error:
                logger.warning("metrics: %s: %s", gauges.__name__, error)
                failed += 1
        failures.add_metric([], failed)
        yield failures


def exposition() -> bytes:
    """Everything that there is to tell, in Prometheus' text format."""
    counters = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        counters = CollectorRegistry()
        multiprocess.MultiProcessCollector(counters)  # type: ignore[no-untyped-call]
    gauges = CollectorRegistry()
    gauges.register(FromTheDatabase())
    return generate_latest(counters) + generate_latest(gauges)
