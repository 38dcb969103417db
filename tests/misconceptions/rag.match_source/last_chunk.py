"""Overwrites the result chunk by chunk."""

import re

MISCONCEPTION = "match/last-chunk"


def match_source(fact, chunks, score, threshold):
    found = None
    for chunk in chunks:
        places = list(re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", chunk.content, re.DOTALL))
        scores = score(fact, [m[0] for m in places])
        best = max(range(len(places)), key=lambda i: scores[i])
        if scores[best] >= threshold:
            m = places[best]
            found = (chunk.file, chunk.start + m.start(), chunk.start + m.end(), scores[best])
    return found
