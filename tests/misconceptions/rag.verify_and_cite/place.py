"""Gives the place of the fact."""

MISCONCEPTION = "numbers/of-the-list"


def verify_and_cite(facts, sources, supports):
    cited, references, seen = [], [], set()
    for number, (fact, source) in enumerate(zip(facts, sources, strict=True), start=1):
        if source is not None and supports(source.text, fact):
            if source[:3] not in seen:
                seen.add(source[:3])
                references.append(source)
            cited.append((fact, number))
    return cited, references
