"""Replays by other scores: the labels that are chosen serve them too."""

import argparse
import itertools
from pathlib import Path

import numpy as np
import pytest

from apps.selection import score_study
from apps.selection.replay import Collection, Plan
from apps.selection.replay.scores import ALPHAS, COMPARED, Stops, replay_scores
from tests.selection.methods.pools import pool


def collection() -> Collection:
    """Ten models of different worth, a few of them close, on 300 items."""
    random = np.random.default_rng(5)
    truth = random.integers(0, 4, 300).astype(np.int32)
    skill = np.linspace(0.5, 0.95, 10)[:, None]
    right = random.random((10, 300)) < skill
    wrong = (truth + random.integers(1, 4, (10, 300))) % 4
    return Collection("made", pool(np.where(right, truth, wrong), 4), truth)


def test_chosen_labels_lose_less_than_drawn_ones_by_every_score() -> None:
    found = replay_scores(
        collection(), Plan(COMPARED, pool=200, realisations=6, budget=100, seed=1)
    )
    for score in ("cost", "graded", "recall", "macro_f1", "worst_class"):
        chosen, drawn = (np.mean(found.regret[score, name]) for name in ("auto", "random"))
        assert chosen <= drawn, score
    assert set(found.stops) == {"cost", "graded", "recall"}
    for delta in (0.0, 0.01):
        labels = [found.alphas[alpha, delta].labels for alpha in ALPHAS]
        for strict, loose in itertools.pairwise(labels):
            stopped = [(a, b) for a, b in zip(strict, loose, strict=True) if a >= 0]
            assert all(0 <= b <= a for a, b in stopped)


def test_what_stops_in_few_pools_has_no_median() -> None:
    stops = Stops()
    for labels, right in ((30, True), (-1, False), (10, False)):
        stops.add(labels, right)
    assert stops.median == 30
    assert stops.share_right == 0.5
    stops.add(-1, False)
    assert stops.median is None


def test_the_study_prints_every_score_and_refuses_nonsense(tmp_path: Path) -> None:
    made = collection()
    np.savez(
        tmp_path / "predictions.npz",
        predictions=made.table.predictions,
        labels=made.labels,
        model_names=np.array(made.table.model_names),
    )
    parser = argparse.ArgumentParser()
    score_study.add_arguments(parser)
    sizes = ["--pool", "60", "--realisations", "1", "--budget", "30"]
    said: list[str] = []
    score_study.run(said.append, parser.parse_args([str(tmp_path), *sizes]))
    told = "\n".join(said)
    for words in ("cost", "worst_class", "alpha 0.2", "a cheaper model called within 1 point"):
        assert words in told
    with pytest.raises(ValueError, match="The pool must be at least 1, not 0"):
        score_study.run(said.append, parser.parse_args([str(tmp_path), "--pool", "0"]))
    with pytest.raises(ValueError, match="The seed must be 0 or more, not -1"):
        score_study.run(said.append, parser.parse_args([str(tmp_path), "--seed", "-1"]))
