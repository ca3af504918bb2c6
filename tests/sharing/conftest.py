"""The board that the tests of links share."""

from tests.leaderboards.conftest import board, bring, version

__all__ = ["board", "bring", "version"]
