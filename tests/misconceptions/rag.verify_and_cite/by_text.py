"""Compares the words of the sources."""

MISCONCEPTION = "numbers/by-text"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers = [], [], {}
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            key = source.text
            if key not in numbers:
                references.append(source)
                numbers[key] = len(references)
            cited.append((fact, numbers[key]))
    return cited, references
