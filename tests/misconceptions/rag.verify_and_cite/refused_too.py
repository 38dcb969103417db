"""Numbers all sources before it asks."""

MISCONCEPTION = "references/of-refused"


def verify_and_cite(facts, sources, supports):
    references = []
    for source in sources:
        if source is not None and source[:3] not in [r[:3] for r in references]:
            references.append(source)
    spans = [r[:3] for r in references]
    cited = []
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            cited.append((fact, spans.index(source[:3]) + 1))
    return cited, references
