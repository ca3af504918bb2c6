"""The whole way: texts, experts, runs as candidates, the router, and how often it is right."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.core.demo.tryage import corpus, experts
from apps.core.demo.tryage.corpus import Text

if TYPE_CHECKING:
    from apps.catalog.models import DatasetVersion
    from apps.catalog.tables import OutcomeTable

ASKED, LEARNT = 400, 1_300  # texts of a kind: to run the experts on, and to train one with, at most
STEPS = 1_500
LEARN_SHARE = 0.6  # of the texts asked about, by file: what the router learns from
SEED = 0
DRAWS = 2_000
KIND = "masked-lm-loss"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """How often a way of choosing takes the expert with the least loss, and what loss it comes to.

    `accuracy`, `loss`: each with the ends of its 95% interval.
    """

    name: str
    accuracy: tuple[float, float, float]
    loss: tuple[float, float, float]


def run(folder: Path, say: Say, *, asked: int = ASKED, steps: int = STEPS) -> list[Result]:
    """Do all of it in `folder`, where models may be run from, with the database that is set up."""
    began = time.monotonic()
    learnt, put = texts(asked)
    for kind in corpus.KINDS:
        say(
            f"{kind}: {len(learnt[kind]):,} texts to train with, {sum(t.kind == kind for t in put)} to ask"
        )
    train_all(learnt, folder, steps, say)
    say(f"four experts trained after {time.monotonic() - began:.0f} s")
    table, losses = ask_all(put, folder, say)
    say(f"four experts asked after {time.monotonic() - began:.0f} s")
    results = judged(table, losses, [text.file for text in put], [text.kind for text in put], say)
    say(f"done after {time.monotonic() - began:.0f} s")
    return results


def texts(asked: int) -> tuple[dict[str, list[str]], list[Text]]:
    """What each expert learns from, and what all are asked: never from one file."""
    learnt: dict[str, list[str]] = {}
    put: list[Text] = []
    for kind in corpus.KINDS:
        found = corpus.collect(kind, asked + LEARNT, SEED)
        if len(found) < 2 * asked:
            raise SystemExit(f"There are too few texts of the kind {kind} here: {len(found)}.")
        files = {text.file for text in found[:asked]}
        put += found[:asked]
        learnt[kind] = [text.text for text in found[asked:] if text.file not in files]
    return learnt, put


def train_all(learnt: dict[str, list[str]], folder: Path, steps: int, say: Say) -> None:
    """Train the experts, two at a time, each on one core where there is no GPU."""
    tokenizer = experts.shared_tokenizer([text for each in learnt.values() for text in each])
    tokenizer.save_pretrained(folder / "tokenizer")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        waiting = {
            kind: pool.submit(_train, own, str(folder / "tokenizer"), str(folder / kind), steps)
            for kind, own in learnt.items()
        }
        for kind, future in waiting.items():
            say(f"expert for {kind}: a loss of {future.result():.2f} at the end of its training")


def _train(own: list[str], tokenizer: str, folder: str, steps: int) -> float:
    import torch
    from transformers import AutoTokenizer

    torch.set_num_threads(1)
    read = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    return experts.train(own, read, Path(folder), steps=steps, seed=SEED)


def ask_all(put: list[Text], folder: Path, say: Say) -> tuple[OutcomeTable, NDArray[np.float64]]:
    """Put every text to every expert, as runs of candidates: the outcomes in the catalog, and the losses,
    [n_texts, n_models], in nats a hidden token."""
    from apps.catalog.queries import outcomes_of
    from apps.catalog.services import create_model
    from apps.inference import answers
    from apps.inference.services import add_source, start_run
    from apps.jobs.runner import run_next
    from apps.teams.models import User
    from apps.teams.services import create_team

    user = User.objects.create_user("tryage@localhost")
    team = create_team(user=user, name="Tryage")
    user.forget_roles()
    version = _dataset(user, team, put)
    runs = []
    for kind in corpus.KINDS:
        model = create_model(user=user, team=team, name=f"expert-{kind}")
        source = add_source(user=user, model=model, kind=KIND, location=f"folder:{kind}")
        runs.append(start_run(user=user, version=version, source=source))
    while run_next() is not None:
        pass
    for made in runs:
        made.refresh_from_db()
        if made.state != "succeeded":
            raise SystemExit(
                f"The run of {made.source.model.name} failed: {made.job and made.job.error}"
            )
        say(
            f"{made.source.model.name}: {made.answered} answers, {', '.join(made.notes) or 'no notes'}"
        )
    losses = {
        made.source.model.name: [kept.loss for kept in answers.read(made.answers_blob)]
        for made in runs
    }
    table = outcomes_of(version)
    return table, np.array([losses[name] for name in table.model_names], dtype=float).T


def _dataset(user: Any, team: Any, put: list[Text]) -> DatasetVersion:
    from apps.catalog.services import create_dataset
    from apps.catalog.store import Items

    return create_dataset(
        user=user,
        team=team,
        name="Four kinds of text",
        items=Items(
            ids=[f"text-{number:04}" for number in range(len(put))],
            texts=[text.text for text in put],
            slices={"kind": [text.kind for text in put], "file": [str(text.file) for text in put]},
        ),
    )


def judged(
    table: OutcomeTable,
    losses: NDArray[np.float64],
    files: list[int],
    kinds: list[str],
    say: Say,
) -> list[Result]:
    """Train the router on the texts of some files and judge it, and what it must beat, on the others."""
    from apps.routing.embedding import embed
    from apps.routing.methods.base import Embeddings
    from apps.routing.methods.registry import METHODS

    units = np.unique(files, return_inverse=True)[1]
    shuffled = np.random.default_rng(SEED).permutation(int(units.max()) + 1)
    learning = np.isin(units, shuffled[: round(LEARN_SHARE * len(shuffled))])
    learn, judge = np.flatnonzero(learning), np.flatnonzero(~learning)
    vectors, encoder = embed("hashing", table.prompts)
    embeddings = Embeddings(table.prompts, vectors, encoder)
    choices: dict[str, NDArray[np.float64]] = {}
    for name in ("tryage", "prompt-length", "best-single"):
        began = time.monotonic()
        router = METHODS[name](seed=SEED)
        router.fit(table.subset(prompts=learn), embeddings.subset(learn))
        score = router.forecast(embeddings.subset(judge)).score
        choices[name] = np.eye(table.n_models)[score.argmax(axis=1)]
        say(f"{name}: learnt from {len(learn)} texts in {time.monotonic() - began:.0f} s")
    choices["random"] = np.full((len(judge), table.n_models), 1 / table.n_models)
    loss = losses[judge]
    told = np.array([table.model_names.index(f"expert-{kind}") for kind in np.array(kinds)[judge]])
    choices["told the kind"] = np.eye(table.n_models)[told]
    choices["oracle"] = np.eye(table.n_models)[loss.argmin(axis=1)]
    return [_result(name, shares, loss, units[judge]) for name, shares in choices.items()]


def _result(
    name: str,
    shares: NDArray[np.float64],
    losses: NDArray[np.float64],
    units: NDArray[np.intp],
) -> Result:
    """`shares`, `losses` [n_texts, n_models]: how often each expert is taken, and what it loses. Texts of
    a file are one piece of evidence."""
    from apps.routing.metrics.resampling import bootstrap_weights, interval

    right = shares[np.arange(len(losses)), losses.argmin(axis=1)]
    loss = (shares * losses).sum(axis=1)
    weights = bootstrap_weights(np.unique(units, return_inverse=True)[1], DRAWS, SEED)
    found = []
    for values in (right, loss):
        mean = float(values.mean())
        low, high = interval(mean, (weights * values).sum(axis=1) / weights.sum(axis=1))
        found.append((mean, low, high))
    return Result(name, found[0], found[1])


def as_table(results: list[Result]) -> str:
    """The results for a terminal."""
    lines = [f"{'chosen by':<16}{'takes the best expert':>28}{'loss, nats a hidden token':>32}"]
    for one in results:
        (a, a_low, a_high), (b, b_low, b_high) = one.accuracy, one.loss
        lines.append(
            f"{one.name:<16}{f'{a:.1%} ({a_low:.1%} to {a_high:.1%})':>28}"
            f"{f'{b:.3f} ({b_low:.3f} to {b_high:.3f})':>32}"
        )
    return "\n".join(lines)
