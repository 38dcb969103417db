"""A tensor of scores, a nested span."""

import re

import torch

RIGHT = True


def match_source(fact, chunks, score, threshold):
    pieces = []
    for chunk in chunks:
        at = 0
        for sentence in re.split(r"(?<=\.)\s+", chunk.content):
            at = chunk.content.index(sentence, at)
            if sentence.strip():
                pieces.append((chunk.file, chunk.start + at, sentence))
            at += len(sentence)
    if len(pieces) == 0:
        return None
    values = torch.tensor(score(fact, [p[2] for p in pieces]), dtype=torch.float64)
    i = int(values.argmax())
    if values[i] < threshold:
        return None
    file, start, sentence = pieces[i]
    return [file, start, start + len(sentence), values[i]]
