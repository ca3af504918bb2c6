"""What the page of a run says: how far it is, what came of it, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.catalog import queries as catalog
from apps.catalog.money import money
from apps.inference import answers, scoring
from apps.inference.answers import Kept
from apps.inference.kinds import KINDS, Gives
from apps.inference.models import Run
from apps.inference.scorers import SCORERS

PAGE_SIZE = 20
SHOWN_LETTERS = 400
_DOLLAR_DIGITS = 4


@dataclass(frozen=True)
class AnswerRow:
    """One answer as a page shows it; what is long is cut."""

    item_id: str
    prompt: str
    kept: Kept

    @property
    def answer(self) -> str:
        """The class, the text, or the loss."""
        if self.kept.label is not None:
            return self.kept.label
        if self.kept.loss is not None:
            return f"{self.kept.loss:.3f} nats a hidden token"
        return cut(self.kept.text)


def sentence(run: Run) -> str:
    """The sentence that the page begins with."""
    name, total = f"`{run.source.model.name}`", run.total
    if not run.finished:
        return f"{name} has answered {run.answered:,} of {total:,} items."
    if not run.answers_blob:
        what = "was stopped" if run.state == "cancelled" else "did not come to its end"
        kept = f"{run.answered:,} of {total:,} answers are kept" if run.answered else "no answers"
        return f"The run of {name} {what}: {kept}."
    said = f"{name} answered {run.answered:,} of {total:,} items"
    if judged := run.facts.get("judged"):
        return f"{judged} {said}."
    found = run.facts.get("summary", {})
    if "mean_loss" in found:
        return f"{said}: {found['mean_loss']:.3f} nats a hidden token on average."
    if "mean" in found:
        low, high = (100 * max(0.0, min(1.0, found[key])) for key in ("low", "high"))
        return (
            f"{said}; its score is {100 * found['mean']:.1f}% on the {found['scored']:,} that could be "
            f"scored (95% interval {low:.1f} to {high:.1f})."
        )
    if KINDS[run.source.kind].gives == Gives.TEXT:
        return f"{said}; none of them could be scored."
    return f"{said}."


def spent(run: Run) -> str:
    """What the run has cost so far, in words."""
    if run.spend:
        return f"{money(float(run.spend))} spent"
    return "nothing spent" if run.estimate.get("usd") else "price unknown"


def estimated(estimate: dict[str, Any]) -> str:
    """What a run will probably take, in one sentence."""
    low, high = estimate["input_tokens"]
    out_low, out_high = estimate["output_tokens"]
    tokens = f"{low:,} to {high:,} tokens in"
    if out_high:
        tokens += f", {out_low:,} to {out_high:,} out"
    count = estimate["prompts"]
    items = f"{count:,} {'item' if count == 1 else 'items'}, {tokens}"
    usd = estimate.get("usd")
    if usd is None:
        return f"{items}; what that costs is unknown: the model has no price."
    cheap, dear = money(round(usd[0], _DOLLAR_DIGITS)), money(round(usd[1], _DOLLAR_DIGITS))
    return f"{items}: {cheap} to {dear} at today's price."


def rows_of(run: Run, *, failures: bool, page: int) -> tuple[list[AnswerRow], int]:
    """A page of answers or failures in the order of the items, and how many there are."""
    start = (page - 1) * PAGE_SIZE
    if run.answers_blob and run.finished:
        kept, count = answers.part(run.answers_blob, failures, start, PAGE_SIZE)
    else:
        rows = run.journal.filter(failed=failures)
        count = rows.count()
        kept = [row.kept for row in rows[start : start + PAGE_SIZE]]
    items = catalog.items_of(run.version, [one.position for one in kept])
    found = zip(items, kept, strict=True)
    return [AnswerRow(item.id, cut(item.text or ""), one) for item, one in found], count


def cut(text: str) -> str:
    """The beginning of a text, marked where something is left out."""
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}…"


def settings_of(run: Run) -> list[tuple[str, str]]:
    """The settings by their labels, the scorer's first; those that are empty left out."""
    labels = {setting.name: setting.label for setting in KINDS[run.source.kind].settings}
    found = []
    if run.scorer in SCORERS:
        for name, setting in scoring.settings_of(run.scorer).items():
            value = run.scorer_settings.get(name, setting.default)
            said = {True: "yes", False: "no"}.get(value) if isinstance(value, bool) else value
            found.append((setting.metadata["label"], cut(str(said))))
    for name, value in run.settings.items():
        if value in ("", {}, None):
            continue
        text = (
            ", ".join(f"{a} = {b}" for a, b in value.items()) if isinstance(value, dict) else value
        )
        label = labels.get(name, name.replace("_", " ").capitalize())
        found.append((label, cut(str(text))))
    return found
