"""Keeps the numbers in a dict from fact to number."""

MISCONCEPTION = "keeps/once"


def verify_and_cite(facts, sources, supports):
    cited, references, numbers = {}, [], {}
    for fact, source in zip(facts, sources, strict=True):
        if source is not None and supports(source.text, fact):
            span = (source.file, source.start, source.stop)
            if span not in numbers:
                references.append(source)
                numbers[span] = len(references)
            cited[fact] = numbers[span]
    return list(cited.items()), references
