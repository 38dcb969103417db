"""One window, and the rest by recursion; lists for tuples."""

RIGHT = True


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("give 0 <= overlap < size")
    if len(tokens) == 0:
        return []
    start, stop = tokens[0][0], tokens[:size][-1][1]
    window = [text[start:stop], start, stop]
    if len(tokens) <= size:
        return [window]
    return [window] + chunk(text, tokens[size - overlap :], size, overlap)
