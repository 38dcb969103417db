"""Gives the span first."""

MISCONCEPTION = "result/order"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found, first = [], 0
    while tokens:
        inside = tokens[first : first + size]
        start, stop = inside[0][0], inside[-1][1]
        found.append((start, stop, text[start:stop]))
        if first + size >= len(tokens):
            break
        first += size - overlap
    return found
