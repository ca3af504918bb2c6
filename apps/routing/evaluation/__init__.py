"""How much routing helps, measured on prompts that no router has seen. Plain numpy; no Django.

    plan = Plan(routers=("auto", "knn"), split="group", splits=5, seed=0)
    result = evaluate(outcomes, embeddings, plan)
    result.verdict        # "Routing saves 21% (12 to 29) at equal quality (that of `gpt-x`)."
    result.as_dict()      # the whole of it for JSON

`outcomes` is an `OutcomeTable`, `embeddings` its prompts in the same order. The null models
(`registry.NULLS`) and two oracles are always evaluated too. Each split is trained and tested by
itself and nothing is chosen on a test part. With `Plan(guarded=True)` what is evaluated is what
would be deployed: `apps.routing.decision.choose` over a sweep of lambda, held back by the guard
that held-out forecasts of the training part teach. Without it, that holds for routers that keep
such forecasts (`auto`, `knn`), and the others decide unguarded, as they were published.

A job passes `progress(done, total, message)` and `should_stop()` (may raise, or return True for
`EvaluationStopped`), keeps each `SplitResult` that `on_split` brings (`as_dict`/`from_dict`), and
gives those it has as `finished` to go on after an interruption, to the same numbers.

What cannot be evaluated is refused by `ValueError` in one sentence: fewer than two models, fewer
than 20 prompts that every model was run on, a cost known for some outcomes but not for others. One
router that cannot be trained does not stop the others; its `problem` says why.
"""

from .harness import EvaluationStopped, Plan, evaluate, money_of
from .result import Estimate, Evaluation, Model, Regret, RouterResult, RouterSplit, SplitResult
from .splits import Split, group_column

__all__ = [
    "Estimate",
    "Evaluation",
    "EvaluationStopped",
    "Model",
    "Plan",
    "Regret",
    "RouterResult",
    "RouterSplit",
    "Split",
    "SplitResult",
    "evaluate",
    "group_column",
    "money_of",
]
