"""Takes the first sentence above the threshold."""

import re

MISCONCEPTION = "match/first-sentence"


def match_source(fact, chunks, score, threshold):
    rows = [
        (chunk.file, chunk.start + m.start(), chunk.start + m.end(), m[0])
        for chunk in chunks
        for m in re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", chunk.content, re.DOTALL)
    ]
    if not rows:
        return None
    scores = score(fact, [row[3] for row in rows])
    best = next((i for i, s in enumerate(scores) if s >= threshold), 0)
    if scores[best] < threshold:
        return None
    file, start, stop, _ = rows[best]
    return file, start, stop, scores[best]
