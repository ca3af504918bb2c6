"""Labels that arrive: none may disagree with one that is there."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.catalog.readers import FileProblem, Problem
from apps.catalog.readers.limits import MAX_PROBLEMS
from apps.catalog.readers.problems import shown

_NAMED = 3  # labels that a sentence lists


@dataclass(frozen=True)
class Arrival:
    """Labels that agree among themselves and with the stored ones.

    `new` items had no label before; `repeated` had the same one.
    """

    new: int
    repeated: int

    @property
    def sentence(self) -> str:
        """What they brought, in words."""
        repeats = f"{self.repeated:,} {'was' if self.repeated == 1 else 'were'} there already"
        if not self.new:
            label = "label is" if self.repeated == 1 else f"{self.repeated:,} labels are"
            return (
                f"{'This' if self.repeated == 1 else 'These'} {label} there already; nothing new."
            )
        added = f"{self.new:,} new {'label' if self.new == 1 else 'labels'}"
        return f"{added}; {repeats}." if self.repeated else f"{added}."


def compare(
    item_ids: Sequence[str],
    labels: Sequence[str],
    rows: Sequence[int],
    *,
    stored: dict[str, str],
    name: str,
) -> Arrival:
    """Hold arriving labels against the stored ones and against one another.

    Args:
        rows: the file's row of each label. stored: item id -> label. name: the file's, for messages.

    Raises:
        FileProblem: labels disagree; each with its row, the stored and the new label.
    """
    problems: list[Problem] = []
    count, repeated = 0, 0
    seen: dict[str, tuple[str, int]] = {}
    for item, label, row in zip(item_ids, labels, rows, strict=True):
        before, first = seen.setdefault(item, (label, row))
        held = stored.get(item)
        message = None
        if held is not None and held != label:
            message = (
                f"Row {row:,}: item `{shown(item)}` is labelled `{shown(label)}` here, "
                f"but `{shown(held)}` is stored; withdraw the stored label or correct this row."
            )
        elif before != label:
            message = (
                f"Row {row:,}: item `{shown(item)}` is labelled `{shown(label)}` here, "
                f"but `{shown(before)}` in row {first:,}; settle on one of the two."
            )
        elif first == row and held is not None:
            repeated += 1
        if message:
            count += 1
            if len(problems) < MAX_PROBLEMS:
                problems.append(Problem(message, row, None, label))
    if problems:
        raise FileProblem(name, problems, count)
    return Arrival(new=len(seen) - repeated, repeated=repeated)


def strangers(labels: Sequence[str], answered: set[str]) -> str:
    """A sentence on labels that no model ever answers; empty where there are none or no answers."""
    unknown = sorted(set(labels) - answered) if answered else []
    if not unknown:
        return ""
    named = ", ".join(f"`{shown(label)}`" for label in unknown[:_NAMED])
    more = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
    return f" No model answers {named}{more}: if that is a slip, withdraw these labels."
