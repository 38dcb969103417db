"""Keeps windows of full size only."""

MISCONCEPTION = "last/dropped"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found = []
    for first in range(0, len(tokens) - size + 1, size - overlap):
        inside = tokens[first : first + size]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
    return found or [(text[a:b], a, b) for a, b in [(tokens[0][0], tokens[-1][1])] if tokens]
