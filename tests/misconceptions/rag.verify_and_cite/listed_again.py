"""Lists the source again for each of its facts."""

MISCONCEPTION = "references/repeated"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers = [], [], {}
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            number = numbers.setdefault(tuple(source[:3]), len(numbers) + 1)
            references.append(source)
            cited.append((fact, number))
    return cited, references
