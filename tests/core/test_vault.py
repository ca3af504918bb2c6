"""Secrets that are kept to be read again."""

from typing import Any

import pytest

from apps.core.vault import Unreadable, seal, unseal


def test_what_is_sealed_cannot_be_read_and_opens_again() -> None:
    sealed = seal("sk-secret", bound_to="https://one.example/v1")
    assert "sk-secret" not in sealed
    assert sealed != seal("sk-secret", bound_to="https://one.example/v1")
    assert unseal(sealed, bound_to="https://one.example/v1") == "sk-secret"


def test_it_opens_for_nothing_but_what_it_was_sealed_for() -> None:
    sealed = seal("sk-secret", bound_to="https://one.example/v1")
    with pytest.raises(Unreadable):
        unseal(sealed, bound_to="https://two.example/v1")


def test_what_was_altered_or_sealed_elsewhere_does_not_open(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ["the first key"]
    sealed = seal("sk-secret", bound_to="a")
    for broken in (sealed[:-4] + "AAAA", "", "é", sealed[:20]):
        with pytest.raises(Unreadable):
            unseal(broken, bound_to="a")
    settings.ENCRYPTION_KEYS = ["another"]
    with pytest.raises(Unreadable):
        unseal(sealed, bound_to="a")


def test_a_key_in_front_seals_and_the_ones_behind_it_still_open(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = ["old"]
    before = seal("sk-secret", bound_to="a")
    settings.ENCRYPTION_KEYS = ["new", "old"]
    after = seal("sk-secret", bound_to="a")
    assert unseal(before, bound_to="a") == "sk-secret"
    settings.ENCRYPTION_KEYS = ["new"]
    assert unseal(after, bound_to="a") == "sk-secret"
    with pytest.raises(Unreadable):
        unseal(before, bound_to="a")
