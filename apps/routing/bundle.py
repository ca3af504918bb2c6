"""What a version of a router is made of: the trained method, its guard and its dial, as files.

`method.json` names the method; the method's own files follow; `decision.json` holds guard, dial and
what is known of the models from their outcomes. Safetensors and JSON, nothing that could run.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from apps.catalog.tables import Floats, OutcomeTable
from apps.core import files
from apps.routing.decision import Dial, Guard, choose, held_out_forecast
from apps.routing.methods.base import Embeddings, Forecast, Router
from apps.routing.methods.registry import METHODS
from apps.routing.metrics import Calibration

_DECISION = "decision.json"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A router ready to decide.

    Attributes:
        method: its name in the registry.
        encoder: what turns prompts into the vectors it was trained on, revision included.
        dial: None where some model's cost is unknown, so that no budget can be kept.
        default: the setting of the dial where nothing else is asked for: the cheapest that is as
            good as the best single model on prompts held out.
        latency_ms, output_tokens: by the name of the model, where outcomes recorded them.
    """

    method: str
    encoder: str
    router: Router
    guard: Guard
    dial: Dial | None
    default: float
    latency_ms: Mapping[str, float]
    output_tokens: Mapping[str, float]

    @classmethod
    def fit(
        cls, method: str, outcomes: OutcomeTable, embeddings: Embeddings, *, seed: int
    ) -> tuple[Bundle, Forecast]:
        """Train on all outcomes; guard and dial learn from forecasts of prompts held out.

        Returns:
            The bundle, and those forecasts.

        Raises:
            ValueError: one sentence, where there is too little to learn from.
        """
        make = METHODS[method]
        router = make(seed=seed)
        router.fit(outcomes, embeddings)
        held_out = held_out_forecast(make, outcomes, embeddings, fitted=router, seed=seed)
        bundle = cls.around(method, embeddings.encoder, router, held_out, outcomes)
        return bundle, held_out

    @classmethod
    def around(
        cls,
        method: str,
        encoder: str,
        router: Router,
        held_out: Forecast,
        outcomes: OutcomeTable,
    ) -> Bundle:
        """A trained router with the guard and the dial that held-out forecasts give it."""
        guard = Guard.learn(held_out, outcomes)
        dial = None if np.isnan(guard.cost).any() else Dial.learn(held_out, outcomes, guard)
        return cls(
            method=method,
            encoder=encoder,
            router=router,
            guard=guard,
            dial=dial,
            default=_as_good_as_best(dial, guard),
            latency_ms=_known_means(outcomes, outcomes.latency_ms),
            output_tokens=_known_means(outcomes, outcomes.out_tokens),
        )

    @property
    def model_names(self) -> tuple[str, ...]:
        """The models it chooses among."""
        return self.router.model_names

    def facts(self, held_out: Forecast, outcomes: OutcomeTable) -> dict[str, Any]:
        """What pages tell of it, in JSON's types; scores in 0..1, costs in US dollars a prompt.

        Args:
            held_out: forecasts of the prompts of `outcomes`, each made without its outcome.
        """
        best = int(np.nanargmax(self.guard.score))
        chosen = choose(held_out, self.default, guard=self.guard)
        rows = np.arange(outcomes.n_prompts)
        got, paid = outcomes.score[rows, chosen], outcomes.cost[rows, chosen]
        calibration = Calibration.of(np.clip(held_out.shown, 0, 1), outcomes.score)
        return {
            "prompts": outcomes.n_prompts,
            "models": list(self.model_names),
            "best": self.model_names[best],
            "best_score": _number(self.guard.score[best]),
            "best_cost": _number(self.guard.cost[best]),
            "score": _number(_mean(got)),
            "cost": _number(_mean(paid)),
            "ece": _number(calibration.ece),
            "default": self.default,
            "least": self.dial.least if self.dial else None,
            "most": self.dial.most if self.dial else None,
        }

    def put(self) -> dict[str, str]:
        """Store its files; their content hashes by their names."""
        with tempfile.TemporaryDirectory(prefix="assay-router-") as name:
            folder = Path(name)
            self.router.save(folder)
            state = {
                "method": self.method,
                "encoder": self.encoder,
                "guard": self.guard.as_dict(),
                "dial": self.dial.as_dict() if self.dial else None,
                "default": self.default,
                "latency_ms": dict(self.latency_ms),
                "output_tokens": dict(self.output_tokens),
            }
            (folder / _DECISION).write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
            paths = sorted(path for path in folder.rglob("*") if path.is_file())
            return {str(path.relative_to(folder)): files.put_path(path) for path in paths}

    @classmethod
    def open(cls, artifacts: Mapping[str, str]) -> Bundle:
        """Read back what `put` stored.

        Raises:
            ValueError: files that `put` did not write. FileNotFoundError: one of them is gone.
        """
        with tempfile.TemporaryDirectory(prefix="assay-router-") as name:
            folder = Path(name)
            for relative, digest in artifacts.items():
                _copy(digest, folder, relative)
            state = json.loads((folder / _DECISION).read_text(encoding="utf-8"))
            (folder / _DECISION).unlink()
            kind: Any = METHODS[state["method"]]
            return cls(
                method=state["method"],
                encoder=state["encoder"],
                router=kind.load(folder),
                guard=Guard.from_dict(state["guard"]),
                dial=Dial.from_dict(state["dial"]) if state["dial"] else None,
                default=float(state["default"]),
                latency_ms=state["latency_ms"],
                output_tokens=state["output_tokens"],
            )


def _copy(digest: str, folder: Path, relative: str) -> None:
    target = (folder / relative).resolve()
    if not target.is_relative_to(folder.resolve()):
        raise ValueError(f"`{relative}` is no name of a router's file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with files.open_blob(digest) as stream, target.open("wb") as copy:
        while chunk := stream.read(files.CHUNK):
            copy.write(chunk)


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _as_good_as_best(dial: Dial | None, guard: Guard) -> float:
    if dial is None:
        return 0.0
    good = np.flatnonzero(dial.score >= np.nanmax(guard.score))
    return float(dial.lambdas[good[-1]]) if good.size else 0.0


def _known_means(outcomes: OutcomeTable, values: Floats | None) -> dict[str, float]:
    if values is None:
        return {}
    means = {}
    for name, column in zip(outcomes.model_names, values.T, strict=True):
        known = column[~np.isnan(column)]
        if known.size:
            means[name] = float(known.mean())
    return means
