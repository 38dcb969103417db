"""Assumes at least one token."""

MISCONCEPTION = "short/raises"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found, first = [], 0
    while True:
        inside = tokens[first : first + size]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
        if first + size >= len(tokens):
            return found
        first += size - overlap
