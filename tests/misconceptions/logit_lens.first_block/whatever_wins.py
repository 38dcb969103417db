"""Follows the token that wins in the end."""

MISCONCEPTION = "leads/from-the-last-token"


def first_leading_block(logits, answers):
    best = logits.argmax(-1)
    leads = best == best[-1]
    return len(logits) - leads.flip(0).cumprod(0).sum(0)
