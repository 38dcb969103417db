"""Splits at white space and counts words."""

import re

MISCONCEPTION = "size/words"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    words = [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    found, first = [], 0
    while tokens:
        inside = words[first : first + size]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
        if first + size >= len(words):
            break
        first += size - overlap
    return found
