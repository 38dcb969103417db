"""Spans from a tensor."""

import torch

RIGHT = True


def chunk(text, tokens, size, overlap):
    if overlap not in range(size):
        raise ValueError(f"an overlap of {overlap} with a size of {size}")
    spans = torch.tensor(tokens).reshape(-1, 2)
    found, first, done = [], 0, len(tokens) == 0
    while not done:
        inside = spans[first : first + size]
        start, stop = int(inside[0, 0]), int(inside[-1, 1])
        found.append((text[start:stop], start, stop))
        done = first + size >= len(spans)
        first = first + size - overlap
    return tuple(found)
