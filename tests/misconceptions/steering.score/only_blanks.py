"""Splits at blanks alone."""

import math

MISCONCEPTION = "spelling/white-space"


def share_of_kind(texts, wanted, other):
    good = bad = 0
    for text in texts:
        for word in text.split(" "):
            word = word.strip('.,!?":;')
            if word in wanted and word in other:
                continue
            good += word in wanted
            bad += word in other
    return good / (good + bad) if good + bad else math.nan
