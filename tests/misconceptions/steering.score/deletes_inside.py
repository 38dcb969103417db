"""Deletes the listed marks wherever they stand."""

import math
import re

MISCONCEPTION = "spelling/inside"


def share_of_kind(texts, wanted, other):
    good = bad = 0
    for text in texts:
        for word in text.split():
            word = re.sub(r'[.,!?":;]', "", word)
            if word in wanted and word in other:
                continue
            good += word in wanted
            bad += word in other
    return good / (good + bad) if good + bad else math.nan
