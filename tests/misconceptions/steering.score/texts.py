"""Counts the texts in which the wanted words are more."""

import math

MISCONCEPTION = "count/texts"


def share_of_kind(texts, wanted, other):
    won, said = 0, 0
    for text in texts:
        words = [word.strip('.,!?":;') for word in text.split()]
        good = sum(word in wanted and word not in other for word in words)
        bad = sum(word in other and word not in wanted for word in words)
        won += good > bad
        said += good + bad
    return won / len(texts) if said else math.nan
