"""Counts one character between two sentences."""

import re

MISCONCEPTION = "span/one-apart"


def match_source(fact, chunks, score, threshold):
    rows = []
    for chunk in chunks:
        start = chunk.start
        for sentence in re.split(r"(?<=\.)\s+", chunk.content):
            rows.append((chunk.file, start, start + len(sentence), sentence))
            start += len(sentence) + 1
    rows = [row for row in rows if row[3]]
    if not rows:
        return None
    scores = list(score(fact, [row[3] for row in rows]))
    best = scores.index(max(scores))
    if scores[best] < threshold:
        return None
    return (*rows[best][:3], scores[best])
