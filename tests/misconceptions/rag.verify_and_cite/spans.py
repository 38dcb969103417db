"""Gives spans instead of sources."""

MISCONCEPTION = "result/not-rows"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers = [], [], {}
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            key = (source.file, source.start, source.stop)
            if key not in numbers:
                references.append(key)
                numbers[key] = len(references)
            cited.append((fact, numbers[key]))
    return cited, references
