"""Counts characters, not tokens."""

MISCONCEPTION = "size/characters"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    return [(text[i : i + size], i, i + size) for i in range(0, len(text), size - overlap)]
