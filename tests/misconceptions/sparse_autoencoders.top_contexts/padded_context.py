"""Cuts the context at the width of the tensor."""

MISCONCEPTION = "padding/in-context"


def top_contexts(activations, lengths, k, width):
    found = []
    for doc, n in enumerate(lengths.tolist()):
        padded = activations[doc]
        row = padded[:n].tolist()
        pos = row.index(max(row))
        if row[pos] > 0:
            found.append(
                (row[pos], doc, pos, max(0, pos - width), min(len(padded), pos + width + 1))
            )
    found.sort(key=lambda place: -place[0])
    return [place[1:] for place in found[:k]]
