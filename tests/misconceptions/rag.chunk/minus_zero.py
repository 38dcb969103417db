"""Takes the tail of the window before by [-overlap:], which is everything for 0."""

MISCONCEPTION = "overlap/zero"


def chunk(text, tokens, size, overlap):
    if not 0 <= overlap < size:
        raise ValueError("overlap")
    found, inside, i = [], [], 0
    while i < len(tokens):
        tail = inside[-overlap:]
        new = max(1, size - len(tail))
        inside = tail + tokens[i : i + new]
        i += new
        found.append((text[inside[0][0] : inside[-1][1]], inside[0][0], inside[-1][1]))
    return found
