"""Gives the chunk."""

MISCONCEPTION = "span/whole-chunk"


def match_source(fact, chunks, score, threshold):
    if not chunks:
        return None
    scores = score(fact, [chunk.content for chunk in chunks])
    best = max(range(len(chunks)), key=lambda i: scores[i])
    if scores[best] < threshold:
        return None
    return chunks[best].file, chunks[best].start, chunks[best].stop, scores[best]
