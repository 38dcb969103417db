"""All documents that have it."""

MISCONCEPTION = "count/off"


def top_contexts(activations, lengths, k, width):
    found = []
    for doc, n in enumerate(lengths.tolist()):
        row = activations[doc, :n].tolist()
        pos = row.index(max(row))
        if row[pos] > 0:
            found.append((row[pos], doc, pos, max(0, pos - width), min(n, pos + width + 1)))
    found.sort(key=lambda place: -place[0])
    return [place[1:] for place in found]
