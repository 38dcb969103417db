"""Strips the content, although its first token begins with a space."""

MISCONCEPTION = "content/not-the-text"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError(f"size {size}, overlap {overlap}")
    rows, first = [], 0
    while first < len(tokens):
        inside = tokens[first : first + size]
        start, stop = inside[0][0], inside[-1][1]
        rows.append((text[start:stop].strip(), start, stop))
        if first + size >= len(tokens):
            break
        first += size - overlap
    return rows
