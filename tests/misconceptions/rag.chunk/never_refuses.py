"""Lets the overlap be as large as it likes."""

MISCONCEPTION = "sizes/accepted"


def chunk(text, tokens, size, overlap):
    found, first = [], 0
    while tokens:
        inside = tokens[first : first + max(size, 1)]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
        if first + size >= len(tokens):
            break
        first += max(size - overlap, 1)
    return found
