"""A Counter of all words."""

from collections import Counter

RIGHT = True


def share_of_kind(texts, wanted, other):
    counts = Counter(w.strip('.,!?":;') for w in " ".join(texts).split())
    good = sum(counts[w] for w in set(wanted) - set(other))
    bad = sum(counts[w] for w in set(other) - set(wanted))
    return float("nan") if good + bad == 0 else good / (good + bad)
