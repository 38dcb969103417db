"""Asserts instead of raising a ValueError."""

MISCONCEPTION = "sizes/other-error"


def chunk(text, tokens, size, overlap):
    assert 0 <= overlap < size
    found, first = [], 0
    while tokens:
        inside = tokens[first : first + size]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
        if first + size >= len(tokens):
            break
        first += size - overlap
    return found
