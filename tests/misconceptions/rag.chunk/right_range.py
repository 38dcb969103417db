"""A range whose end leaves out windows that hold nothing new."""

RIGHT = True


def chunk(text, tokens, size, overlap):
    if size < 1 or overlap < 0 or overlap >= size:
        raise ValueError("0 <= overlap < size")
    if not tokens:
        return []
    starts = range(0, max(1, len(tokens) - overlap), size - overlap)
    spans = [(tokens[i][0], tokens[min(i + size, len(tokens)) - 1][1]) for i in starts]
    return [(text[a:b], a, b) for a, b in spans]
