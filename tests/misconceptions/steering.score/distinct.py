"""Every word counts once."""

import math

MISCONCEPTION = "count/distinct"


def share_of_kind(texts, wanted, other):
    said = {word.strip('.,!?":;') for text in texts for word in text.split()}
    both = set(wanted) & set(other)
    good = len((said & set(wanted)) - both)
    bad = len((said & set(other)) - both)
    return good / (good + bad) if good + bad else math.nan
