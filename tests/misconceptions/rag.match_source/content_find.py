"""Looks for the sentence in the chunk, and finds it inside of another."""

import re

MISCONCEPTION = "span/first-found"


def match_source(fact, chunks, score, threshold):
    rows = []
    for chunk in chunks:
        for match in re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", chunk.content, re.DOTALL):
            start = chunk.start + chunk.content.find(match[0])
            rows.append((chunk.file, start, start + len(match[0]), match[0]))
    if not rows:
        return None
    scores = list(score(fact, [row[3] for row in rows]))
    best = scores.index(max(scores))
    if scores[best] < threshold:
        return None
    return (*rows[best][:3], scores[best])
