"""Moves the last window back to full size."""

MISCONCEPTION = "last/moved-back"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found, first = [], 0
    while tokens:
        is_last = first + size >= len(tokens)
        inside = tokens[-size:] if is_last else tokens[first : first + size]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
        if is_last:
            break
        first += size - overlap
    return found
