"""torch.distributions, which give inf where a probability is rounded to 0."""

from torch.distributions import Categorical, kl_divergence

MISCONCEPTION = "logs/unstable"


def kl_to_final(logits):
    final = Categorical(logits=logits[-1].expand_as(logits))
    return kl_divergence(final, Categorical(logits=logits))
