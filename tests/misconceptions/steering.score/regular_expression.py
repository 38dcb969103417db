"""Words are what a regular expression calls so: a hyphen ends them."""

import math
import re

MISCONCEPTION = "spelling/hyphen"


def share_of_kind(texts, wanted, other):
    good = bad = 0
    for text in texts:
        for word in re.findall(r"\w+", text):
            if word in wanted and word in other:
                continue
            good += word in wanted
            bad += word in other
    return good / (good + bad) if good + bad else math.nan
