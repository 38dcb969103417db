"""A list of spans; lists as a result."""

RIGHT = True


def verify_and_cite(facts, sources, supports):
    pairs = [(f, s) for f, s in zip(facts, sources, strict=True) if s is not None]
    pairs = [(fact, source) for fact, source in pairs if supports(source.text, fact)]
    spans, references = [], []
    for _, (file, start, stop, text, score) in pairs:
        if (file, start, stop) not in spans:
            spans.append((file, start, stop))
            references.append([file, start, stop, text, score])
    return [[fact, spans.index(tuple(s[:3])) + 1] for fact, s in pairs], references
