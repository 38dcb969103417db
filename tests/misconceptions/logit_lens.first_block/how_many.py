"""Gives the length of the run."""

MISCONCEPTION = "index/number-of-leads"


def first_leading_block(logits, answers):
    leads = logits.argmax(-1) == answers
    return leads.flip(0).cumprod(0).sum(0)
