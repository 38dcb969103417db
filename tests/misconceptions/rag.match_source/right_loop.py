"""Keeps the best so far, one call a sentence."""

RIGHT = True


def match_source(fact, chunks, score, threshold):
    best = None
    for chunk in chunks:
        start = 0
        text = chunk.content
        while start < len(text):
            if text[start].isspace():
                start += 1
                continue
            stop = start
            while stop < len(text):
                stop += 1
                if text[stop - 1] == "." and (stop == len(text) or text[stop].isspace()):
                    break
            (value,) = score(fact, [text[start:stop]])
            if value >= threshold and (best is None or value > best[3]):
                best = (chunk.file, chunk.start + start, chunk.start + stop, value)
            start = stop
    return best
