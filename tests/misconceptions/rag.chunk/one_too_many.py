"""Goes on when the end is reached."""

MISCONCEPTION = "last/contained"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found = []
    for first in range(0, len(tokens), size - overlap):
        inside = tokens[first : first + size]
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
    return found
