"""Takes the file of the chunk at which the loop ended."""

import re

MISCONCEPTION = "match/other-file"


def match_source(fact, chunks, score, threshold):
    rows = []
    for chunk in chunks:
        for match in re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", chunk.content, re.DOTALL):
            start = chunk.start + match.start()
            rows.append((chunk.file, start, start + len(match[0]), match[0]))
    if not rows:
        return None
    scores = list(score(fact, [row[3] for row in rows]))
    best = scores.index(max(scores))
    if scores[best] < threshold:
        return None
    return (chunk.file, *rows[best][1:3], scores[best])
