"""Forgets to turn the index round."""

MISCONCEPTION = "index/from-the-end"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers
    count = leads.flip(0).cumprod(0).sum(0)
    return count - 1
