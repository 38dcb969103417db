"""Wants a space after the period."""

import re

MISCONCEPTION = "sentence/line-break"


def match_source(fact, chunks, score, threshold):
    rows = [
        (chunk.file, chunk.start + m.start(), chunk.start + m.end(), m[0])
        for chunk in chunks
        for m in re.finditer(r"\S.*?(?:\.(?= |$)|$)", chunk.content, re.DOTALL)
    ]
    if not rows:
        return None
    scores = score(fact, [row[3] for row in rows])
    best = max(range(len(rows)), key=lambda i: float(scores[i]))
    if scores[best] < threshold:
        return None
    file, start, stop, _ = rows[best]
    return file, start, stop, scores[best]
