"""A word on both lists counts for both."""

import math

MISCONCEPTION = "both/counted"


def share_of_kind(texts, wanted, other):
    good = bad = 0
    for text in texts:
        for word in text.split():
            word = word.strip('.,!?":;')
            good += word in wanted
            bad += word in other
    return good / (good + bad) if good + bad else math.nan
