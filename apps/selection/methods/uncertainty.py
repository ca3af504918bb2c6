"""Vote entropy: the items on which the committee is most scattered."""

from __future__ import annotations

import numpy as np

from apps.catalog.tables import Floats

from .ranked import Fixed


class Uncertainty(Fixed):
    """The order of decreasing entropy of the vote shares, -sum_c v_c log v_c; labels change nothing.

    Source: I. Dagan, S. P. Engelson, "Committee-based sampling for training probabilistic
    classifiers", ICML 1995; used as a baseline of model selection in Okanovic et al., arXiv
    2410.13609.
    """

    def doubt(self, share: Floats) -> Floats:
        """See `Fixed.doubt`."""
        return self.votes.by_item(-share * np.log(share))
