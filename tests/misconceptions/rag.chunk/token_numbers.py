"""Gives the numbers of the tokens as the span."""

MISCONCEPTION = "span/in-tokens"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found, first = [], 0
    while tokens:
        last = min(first + size, len(tokens))
        found.append((text[tokens[first][0] : tokens[last - 1][1]], first, last))
        if last == len(tokens):
            break
        first += size - overlap
    return found
