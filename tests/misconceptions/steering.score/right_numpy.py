"""numpy's mean."""

import numpy as np

RIGHT = True


def share_of_kind(texts, wanted, other):
    said = np.array([w.strip('.,!?":;') for text in texts for w in text.split()], dtype=object)
    good = sum((said == w).sum() for w in wanted if w not in other)
    bad = sum((said == w).sum() for w in other if w not in wanted)
    return float(good / (good + bad)) if good + bad else float("nan")
