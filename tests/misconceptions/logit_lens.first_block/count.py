"""Counts the blocks that lead, wherever they are."""

MISCONCEPTION = "stays/count"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers
    return len(logits) - leads.sum(0)
