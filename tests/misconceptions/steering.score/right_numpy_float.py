"""Divides NumPy's numbers."""

import numpy as np

RIGHT = True


def share_of_kind(texts, wanted, other):
    words = [word.strip('.,!?":;') for text in texts for word in text.split()]
    good = sum(word in wanted and word not in other for word in words)
    bad = sum(word in other and word not in wanted for word in words)
    with np.errstate(invalid="ignore"):
        return np.float64(good) / (good + bad)
