"""The mean of the texts' shares."""

import math

MISCONCEPTION = "count/mean-of-texts"


def share_of_kind(texts, wanted, other):
    shares = []
    for text in texts:
        words = [word.strip('.,!?":;') for word in text.split()]
        good = sum(word in wanted and word not in other for word in words)
        bad = sum(word in other and word not in wanted for word in words)
        if good + bad:
            shares.append(good / (good + bad))
    return sum(shares) / len(shares) if shares else math.nan
