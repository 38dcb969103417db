"""A list of whole numbers."""

RIGHT = True


def first_leading_block(logits, answers):
    result = []
    for row in (logits.argmax(-1) == answers).T.tolist():
        wrong = [i for i, lead in enumerate(row) if not lead]
        result.append(wrong[-1] + 1 if wrong else 0)
    return result
