"""Asks twice."""

MISCONCEPTION = "asked/twice"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers = [], [], {}
    kept = [s is not None and supports(s.text, f) for f, s in zip(facts, sources, strict=True)]
    if not any(kept):
        return [], []
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            key = (source.file, source.start, source.stop)
            if key not in numbers:
                references.append(source)
                numbers[key] = len(references)
            cited.append((fact, numbers[key]))
    return cited, references
