"""The share of all words."""

import math

MISCONCEPTION = "count/all-words"


def share_of_kind(texts, wanted, other):
    good = bad = 0
    for text in texts:
        for word in text.split():
            word = word.strip('.,!?":;')
            if word in wanted and word in other:
                continue
            good += word in wanted
            bad += word in other
    total = sum(len(text.split()) for text in texts)
    return good / total if good + bad else math.nan
