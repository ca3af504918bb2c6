"""Query by committee: the items on which the largest camp is smallest."""

from __future__ import annotations

from apps.catalog.tables import Floats

from .ranked import Fixed


class QueryByCommittee(Fixed):
    """The order of decreasing least confidence, 1 - max_c v_c of the votes; labels change nothing.

    Source: H. S. Seung, M. Opper, H. Sompolinsky, "Query by committee", COLT 1992; least confidence
    as in A. Culotta, A. McCallum, "Reducing labeling effort for structured prediction tasks",
    AAAI 2005.
    """

    def doubt(self, share: Floats) -> Floats:
        """See `Fixed.doubt`."""
        return 1 - share[self.votes.first]
