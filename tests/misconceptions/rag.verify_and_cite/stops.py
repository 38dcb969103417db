"""Stops at the first refusal."""

MISCONCEPTION = "keeps/stops"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers = [], [], {}
    for fact, source in zip(facts, sources, strict=True):
        if source is None:
            continue
        if supports(source.text, fact):
            key = (source.file, source.start, source.stop)
            if key not in numbers:
                references.append(source)
                numbers[key] = len(references)
            cited.append((fact, numbers[key]))
        else:
            break
    return cited, references
