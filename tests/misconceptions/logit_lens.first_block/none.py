"""None for none."""

MISCONCEPTION = "never/none"


def first_leading_block(logits, answers):
    blocks = []
    for row in (logits.argmax(-1) == answers).T.tolist():
        staying = [i for i in range(len(row)) if all(row[i:])]
        blocks.append(staying[0] if staying else None)
    return blocks
