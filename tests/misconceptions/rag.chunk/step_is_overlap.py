"""Moves on by the overlap."""

MISCONCEPTION = "overlap/as-step"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found = []
    for first in range(0, len(tokens), overlap or size):
        inside = tokens[first : first + size]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
        if first + size >= len(tokens):
            break
    return found
