"""The last of equal places."""

MISCONCEPTION = "place/last-of-equals"


def top_contexts(activations, lengths, k, width):
    found = []
    for doc, n in enumerate(lengths.tolist()):
        row = activations[doc, :n].tolist()
        pos = n - 1 - row[::-1].index(max(row))
        if row[pos] > 0:
            found.append((row[pos], doc, pos, max(0, pos - width), min(n, pos + width + 1)))
    found.sort(key=lambda place: -place[0])
    return [place[1:] for place in found[:k]]
