"""Joins the two lists: they may be sets."""

import math

MISCONCEPTION = "lists/only-lists"


def share_of_kind(texts, wanted, other):
    labeled = [word for word in wanted + other if not (word in wanted and word in other)]
    words = [word.strip('.,!?":;') for text in texts for word in text.split()]
    good = sum(word in labeled and word in wanted for word in words)
    count = sum(word in labeled for word in words)
    return good / count if count else math.nan
