"""Takes all punctuation away, hyphens too."""

import math
import string

MISCONCEPTION = "spelling/hyphen"


def share_of_kind(texts, wanted, other):
    good = bad = 0
    for text in texts:
        for word in text.translate(str.maketrans("", "", string.punctuation)).split():
            if word in wanted and word in other:
                continue
            good += word in wanted
            bad += word in other
    return good / (good + bad) if good + bad else math.nan
