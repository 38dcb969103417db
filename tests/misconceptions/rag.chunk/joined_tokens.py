"""Joins the tokens by spaces."""

MISCONCEPTION = "content/not-the-text"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found, first = [], 0
    while tokens:
        inside = tokens[first : first + size]
        found.append((" ".join(text[a:b] for a, b in inside), inside[0][0], inside[-1][1]))
        if first + size >= len(tokens):
            break
        first += size - overlap
    return found
