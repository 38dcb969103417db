"""Looks for the words inside the text."""

import math

MISCONCEPTION = "spelling/substring"


def share_of_kind(texts, wanted, other):
    text = " ".join(texts)
    good = sum(text.count(word) for word in wanted if word not in other)
    bad = sum(text.count(word) for word in other if word not in wanted)
    return good / (good + bad) if good + bad else math.nan
