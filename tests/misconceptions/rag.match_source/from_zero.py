"""Starts from a best score of 0."""

import re

MISCONCEPTION = "threshold/zero"


def match_source(fact, chunks, score, threshold):
    rows = []
    for chunk in chunks:
        for match in re.finditer(r"\S.*?(?:\.(?=\s|$)|$)", chunk.content, re.DOTALL):
            start = chunk.start + match.start()
            rows.append((chunk.file, start, start + len(match[0]), match[0]))
    best, found = 0, None
    for row, value in zip(rows, score(fact, [row[3] for row in rows]) if rows else [], strict=True):
        if value > best and value >= threshold:
            best, found = value, (*row[:3], value)
    return found
