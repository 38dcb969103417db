"""Windows of one size."""

MISCONCEPTION = "context/shifted"


def top_contexts(activations, lengths, k, width):
    found = []
    for doc, n in enumerate(lengths.tolist()):
        row = activations[doc, :n].tolist()
        pos = row.index(max(row))
        if row[pos] > 0:
            start = max(0, min(pos - width, n - 2 * width - 1))
            found.append((row[pos], doc, pos, start, min(n, start + 2 * width + 1)))
    found.sort(key=lambda place: -place[0])
    return [place[1:] for place in found[:k]]
