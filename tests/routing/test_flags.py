"""What a prompt's writer asks of the model is understood, taken out of the text, or refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.routing.decision import NO_CONSTRAINTS, Trait
from apps.routing.flags import EXAMPLES, WEIGHT, read_flags


@pytest.mark.parametrize(
    ("flag", "field", "value"),
    [
        ("at most 8B parameters", "most_parameters", 8_000_000_000),
        ("under 0.5 billion", "most_parameters", 500_000_000),
        ("max 120 m weights", "most_parameters", 120_000_000),
        ("<= 3000000 parameters", "most_parameters", 3_000_000),
        ("released since 2025-06", "released_since", date(2025, 6, 1)),
        ("since 2024-02-29", "released_since", date(2024, 2, 29)),
        ("Released after 2023", "released_since", date(2023, 1, 1)),
        ("licence Apache-2.0 or MIT", "licences", frozenset({"apache-2.0", "mit"})),
        ("license: mit", "licences", frozenset({"mit"})),
        ("Self-hosted", "self_hosted", True),
        ("not self hosted", "self_hosted", False),
        ("within 500 ms", "most_latency_ms", 500.0),
        ("at most 1.5 s", "most_latency_ms", 1500.0),
        ("at most 200 tokens", "most_output_tokens", 200.0),
    ],
)
def test_a_flag_with_a_value_is_a_limit(flag: str, field: str, value: object) -> None:
    text, asked, said = read_flags(f"Sort these words. [Flag: {flag}]")
    assert text == "Sort these words."
    assert getattr(asked, field) == value
    assert said == (flag,)


@pytest.mark.parametrize(
    ("flag", "trait"),
    [
        ("Small model", Trait.SIZE),
        ("Recent model", Trait.AGE),
        ("fast", Trait.LATENCY),
        ("Concise", Trait.VERBOSITY),
    ],
)
def test_a_flag_without_a_value_is_a_wish(flag: str, trait: Trait) -> None:
    assert read_flags(f"[flag:{flag}] Hello")[1].wishes == {trait: WEIGHT}


def test_several_flags_come_together_wherever_they_stand() -> None:
    text, asked, said = read_flags(
        "[Flag: small model] Translate [FLAG: self-hosted] this.\n[Flag: within 2 seconds]",
        more=["concise", "small model"],
    )
    assert text == "Translate this."
    assert asked.self_hosted is True
    assert asked.most_latency_ms == 2000
    assert asked.wishes == {Trait.SIZE: WEIGHT, Trait.VERBOSITY: WEIGHT}
    assert said == ("small model", "self-hosted", "within 2 seconds", "concise")


@pytest.mark.parametrize("flag", EXAMPLES)
def test_every_flag_offered_as_an_example_is_known(flag: str) -> None:
    assert read_flags("", more=[flag])[1] != NO_CONSTRAINTS


@pytest.mark.parametrize("flag", ["", "chatty", "at most 8", "at most many tokens", "licence"])
def test_an_unknown_flag_is_one_sentence_with_examples(flag: str) -> None:
    with pytest.raises(ValueError, match=r"is not a flag that is known.*small model"):
        read_flags(f"Hello [Flag: {flag}]")


def test_a_date_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="names no date"):
        read_flags("Hello [Flag: since 2025-13]")


def test_flags_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="“self-hosted” and “hosted” contradict each other"):
        read_flags("[Flag: self-hosted] [Flag: hosted]")


@given(st.text())
def test_a_text_without_flags_comes_back_as_it_was(prompt: str) -> None:
    if "flag" not in prompt.casefold():
        assert read_flags(prompt) == (prompt, NO_CONSTRAINTS, ())


@given(st.text(), st.text(st.characters(exclude_characters="[]"), max_size=50), st.text())
def test_what_stands_in_brackets_is_understood_or_refused_in_a_sentence(
    before: str, flag: str, after: str
) -> None:
    try:
        text, _, said = read_flags(f"{before}[Flag: {flag}]{after}")
    except ValueError as error:
        assert "\n" not in str(error).replace(flag, "")  # noqa: PT017
    else:
        assert not said or "[Flag:" not in text
