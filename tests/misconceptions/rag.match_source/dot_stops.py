"""Writes the pattern without re.DOTALL."""

import re

MISCONCEPTION = "sentence/broken-line"


def match_source(fact, chunks, score, threshold):
    rows = []
    for chunk in chunks:
        for match in re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", chunk.content):
            start = chunk.start + match.start()
            rows.append((chunk.file, start, start + len(match[0]), match[0]))
    if not rows:
        return None
    scores = list(score(fact, [row[3] for row in rows]))
    best = scores.index(max(scores))
    if scores[best] < threshold:
        return None
    return (*rows[best][:3], scores[best])
