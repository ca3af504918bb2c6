"""What the page of agreement shows of a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.selection import queries
from apps.selection.agreement import Agreement, Pair, agreement_of
from apps.selection.models import SelectionSession
from apps.selection.queries import Labelling
from apps.teams.models import User

LEFT = "somebody who left"

TERMS = (
    (
        "Krippendorff's alpha",
        "Agreement beyond chance over all items with several opinions: 1 is perfect, 0 is what chance "
        "gives. Below 0.67 labels are commonly thought too unreliable to conclude anything from.",
    ),
    ("Cohen's kappa", "The same for two people, on the items that both labelled."),
    (
        "Quality",
        "CROWDLAB's estimate of the share of labels that a person gets right, from how they agree with "
        "the others and with the candidates' votes. It chooses what is asked again; it changes no label.",
    ),
    (
        "Counts as",
        "What most annotators say. Where they are split evenly, the first answer counts in this "
        "selection, and the item is not handed over to the dataset until an editor settles it.",
    ),
)


@dataclass(frozen=True)
class Difference:
    """An item that annotators called differently: who said what, with their note."""

    item: int
    item_id: str
    opinions: tuple[tuple[str, str, str], ...]
    counts_as: str
    settled: bool
    tied: bool

    @property
    def labels(self) -> list[str]:
        """What it was called, each once."""
        return list(dict.fromkeys(label for _, label, _ in self.opinions))


@dataclass(frozen=True)
class AgreementPage:
    """All that the page says; `quality` and the pairs by the people's names."""

    sentence: str
    agreement: Agreement
    pairs: tuple[Pair, ...]
    quality: Mapping[str, float]
    differences: tuple[Difference, ...]
    classes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same for the API."""
        return {
            "items": self.agreement.items,
            "opinions": self.agreement.opinions,
            "alpha": self.agreement.alpha,
            "pairs": [vars(pair) for pair in self.pairs],
            "quality": dict(self.quality),
            "differences": [
                {
                    "item": one.item_id,
                    "opinions": {name: label for name, label, _ in one.opinions},
                    "counts_as": one.counts_as,
                    "settled": one.settled,
                }
                for one in self.differences
            ],
        }


def agreement_page(session: SelectionSession) -> AgreementPage:
    """Compute the page; what is not settled comes first.

    Raises:
        ValueError: the version has no predictions (any more).
    """
    basis = queries.basis_of(session)
    labelling = basis.labelling
    names = _names(labelling)
    found = agreement_of(
        queries.named_opinions(labelling), basis.table, queries.vote_weights(basis)
    )
    differences = _differences(session, labelling, names, basis.table.item_ids)
    return AgreementPage(
        sentence=_sentence(found, differences),
        agreement=found,
        pairs=tuple(
            Pair(names[pair.first], names[pair.second], pair.items, pair.same, pair.kappa)
            for pair in found.pairs
        ),
        quality={names[person]: value for person, value in found.quality.items()},
        differences=differences,
        classes=basis.table.class_names,
    )


def _names(labelling: Labelling) -> dict[str, str]:
    """The people's names by the numbers that stand for them in `named_opinions`."""
    numbers = {person for said in labelling.opinions.values() for person in said}
    people = User.objects.in_bulk(numbers - {None})
    return {str(number): str(people.get(number, LEFT)) for number in numbers}


def _differences(
    session: SelectionSession,
    labelling: Labelling,
    names: dict[str, str],
    ids: tuple[str, ...],
) -> tuple[Difference, ...]:
    notes = dict(session.events.exclude(note="").values_list("pk", "note"))
    tied = set(labelling.tied)
    found = [
        Difference(
            item=item,
            item_id=ids[item],
            opinions=tuple(
                (names[str(person)], event.label, notes.get(event.pk, ""))
                for person, event in labelling.opinions[item].items()
            ),
            counts_as=labelling.labels[item].label,
            settled=item in labelling.settled,
            tied=item in tied,
        )
        for item in labelling.differing
    ]
    return tuple(sorted(found, key=lambda one: (one.settled, not one.tied)))


def _sentence(agreement: Agreement, differences: tuple[Difference, ...]) -> str:
    if not agreement.items:
        return "No item has two opinions yet, so nothing can be said of how well annotators agree."
    items = f"{agreement.items:,} {'item' if agreement.items == 1 else 'items'}"
    same = agreement.items - len(differences)
    said = f"Annotators agree on {same:,} of the {items} with several opinions"
    said += f", alpha {agreement.alpha:.2f}" if agreement.alpha is not None else ""
    open_ones = sum(one.tied for one in differences)
    if open_ones:
        return f"{said}; {open_ones:,} to settle."
    return f"{said}."
