"""Looks for the content in the text to learn its span."""

MISCONCEPTION = "span/first-found"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError(f"size {size}, overlap {overlap}")
    rows, first = [], 0
    while first < len(tokens):
        inside = tokens[first : first + size]
        start, stop = inside[0][0], inside[-1][1]
        content = text[start:stop]
        at = text.find(content)
        rows.append((content, at, at + len(content)))
        if first + size >= len(tokens):
            break
        first += size - overlap
    return rows
