"""How many more labels would separate two models."""

from __future__ import annotations

import math


def more_labels(
    b: float, c: float, n: float, *, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """About how many further random labels McNemar's test needs to tell two models apart.

    With d = |b - c| / n, the observed difference, and psi = (b + c) / n, the share of items that
    tell the two apart, the test at the two-sided level alpha has the wanted power at about

        N = (z(1 - alpha/2) sqrt(psi) + z(power) sqrt(psi - d^2))^2 / d^2

    labelled items. The answer is N - n rounded up, at least 1: this function is asked about models
    that are not separated yet. It takes the observed rates for the true ones, and they are
    uncertain where b + c is small: a figure for planning, to be read with "about".

    Args:
        b: items only the first model got right.
        c: items only the second model got right.
        n: labelled items that both were run on.
        alpha: the level the pair must pass, already divided for the number of comparisons.
        power: the chance of success aimed at.

    Returns:
        The number of labels, or None where the observed difference is zero: at that difference no
        number of labels will do. It may exceed the number of items there are to label.

    Source: O. S. Miettinen, Biometrics 24 (1968) 339; R. J. Connor, Biometrics 43 (1987) 207.
    """
    if b == c:
        return None
    gap, told_apart = abs(b - c) / n, (b + c) / n
    # Imported here: it takes a second, and web servers start without computing anything.
    from scipy.stats import norm

    root = float(norm.isf(alpha / 2)) * math.sqrt(told_apart)
    root += float(norm.ppf(power)) * math.sqrt(max(told_apart - gap**2, 0.0))
    return max(1, math.ceil(root**2 / gap**2 - n))
