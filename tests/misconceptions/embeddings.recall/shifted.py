"""Takes queries without a relevant item out of one list only."""

MISCONCEPTION = "empty/moves-rows"


def recall_at_k(found, relevant, k):
    relevant = [wanted for wanted in relevant if wanted]
    pairs = zip(found.tolist(), relevant, strict=False)
    return sum(len(set(row[:k]) & wanted) / len(wanted) for row, wanted in pairs) / len(relevant)
