"""Keeps the verdict of a source."""

MISCONCEPTION = "asked/once-a-source"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers, verdicts = [], [], {}, {}
    for fact, source in zip(facts, sources, strict=True):
        if source is None:
            continue
        key = (source.file, source.start, source.stop)
        if key not in verdicts:
            verdicts[key] = supports(source.text, fact)
        if verdicts[key]:
            if key not in numbers:
                references.append(source)
                numbers[key] = len(references)
            cited.append((fact, numbers[key]))
    return cited, references
