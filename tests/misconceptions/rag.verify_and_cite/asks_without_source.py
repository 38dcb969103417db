"""Asks about every fact, with an empty text where there is no source."""

MISCONCEPTION = "asked/sourceless"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers = [], [], {}
    for fact, source in zip(facts, sources, strict=True):
        is_supported = supports(source.text if source else "", fact)
        if source is not None and is_supported:
            key = (source.file, source.start, source.stop)
            if key not in numbers:
                references.append(source)
                numbers[key] = len(references)
            cited.append((fact, numbers[key]))
    return cited, references
