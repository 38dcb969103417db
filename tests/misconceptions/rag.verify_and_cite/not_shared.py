"""A number for every fact."""

MISCONCEPTION = "numbers/not-shared"


def verify_and_cite(facts, sources, supports):
    cited, references = [], []
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            references.append(source)
            cited.append((fact, len(references)))
    return cited, references
