"""Counts in a loop."""

RIGHT = True


def recall_at_k(found, relevant, k):
    total, queries = 0.0, 0
    for i, wanted in enumerate(relevant):
        if not wanted:
            continue
        hits = 0
        for item in found[i, :k]:
            if item.item() in wanted:
                hits += 1
        total += hits / len(wanted)
        queries += 1
    return total / queries
