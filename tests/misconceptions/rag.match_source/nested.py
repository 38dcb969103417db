"""Puts the span into a pair with the score."""

import re

MISCONCEPTION = "result/not-rows"


def match_source(fact, chunks, score, threshold):
    rows = [
        (chunk.file, chunk.start + m.start(), chunk.start + m.end(), m[0])
        for chunk in chunks
        for m in re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", chunk.content, re.DOTALL)
    ]
    if not rows:
        return None
    scores = score(fact, [row[3] for row in rows])
    best = max(range(len(rows)), key=lambda i: float(scores[i]))
    if scores[best] < threshold:
        return None
    return rows[best][:3], scores[best]
