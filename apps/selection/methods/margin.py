"""Vote margin: the items on which the two largest camps are nearest to each other."""

from __future__ import annotations

from apps.catalog.tables import Floats

from .ranked import Fixed


class Margin(Fixed):
    """The order of increasing margin, largest minus second largest vote share; labels change nothing.

    Source: T. Scheffer, C. Decomain, S. Wrobel, "Active hidden Markov models for information
    extraction", IDA 2001, with the committee's votes for the probabilities, as in Okanovic et al.,
    arXiv 2410.13609.
    """

    def doubt(self, share: Floats) -> Floats:
        """See `Fixed.doubt`."""
        first = self.votes.first  # groups stand by size, so the second one is the runner-up
        return share[first + 1] - share[first]
