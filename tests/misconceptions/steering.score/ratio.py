"""Good over bad."""

import math

MISCONCEPTION = "count/ratio"


def share_of_kind(texts, wanted, other):
    good = bad = 0
    for text in texts:
        for word in text.split():
            word = word.strip('.,!?":;')
            if word in wanted and word in other:
                continue
            good += word in wanted
            bad += word in other
    if good + bad == 0:
        return math.nan
    return good / bad if bad else math.inf
