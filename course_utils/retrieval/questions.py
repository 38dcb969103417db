"""Sixty questions to the workbook, each with the section that answers it.

A question "in other words" shares no content word with its section: `content_words` says which
words these are.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .workbook import Section

FUNCTION_WORDS = frozenset(
    "a about after again against all an and any are as at be become before being between both but "
    "by can could did do does each every for from had has have how i if in into is it its itself "
    "many may me more most much must my no not of off on one or other out over own should so some "
    "such than that the their them then there these they this those through to two under up was "
    "way we well were what when where whether which while who whose why will with without would "
    "you your".split()
)


class Question(NamedTuple):
    """A question, the number of the notebook and the heading of the section."""

    text: str
    notebook: str
    heading: str

    def is_answered_by(self, section: Section) -> bool:
        return section.notebook.split("_")[0] == self.notebook and section.heading == self.heading


def content_words(text: str) -> set[str]:
    """The words of a text but for those that carry no content, in lower case."""
    return set(re.findall(r"[a-z0-9]+", text.lower())) - FUNCTION_WORDS


def _questions(table: str) -> list[Question]:
    """From lines "notebook heading", each followed by its questions, indented."""
    found: list[Question] = []
    notebook = heading = ""
    for line in table.strip("\n").splitlines():
        if line.startswith("    "):
            found.append(Question(line.strip(), notebook, heading))
        else:
            notebook, _, heading = line.partition(" ")
    return found


IN_OTHER_WORDS = _questions(
    """
00 How this workbook works
    I am stuck on a task: can I leave it out for now?
00 3 · What does a temperature do?
    Does more heat make sampling more random?
00 7 · Where the method fails
    Is a confident answer about an invented landmark honest?
01 1 · How large is a model that you have not downloaded?
    Can I inspect an architecture's dimensions before fetching gigabytes of weights?
01 7 · How does a mask hide the future?
    How is a network kept from peeking at upcoming words?
02 4 · What if there is no room for all tokens?
    Which entries can be thrown away when storage is full?
02 5 · Whose memory is it?
    How can several conversations with one common opening avoid storing it repeatedly?
02 8 · Who waits for whom?
    How do busy services keep slots from idling behind long replies?
03 3 · Memory against context
    Can a false statement about a smartphone override trained knowledge?
03 7 · Where the lens misleads
    Is a decoded intermediate guess really a cause of what follows?
04 5 · Which heads copy, which rest?
    How does a network spot repeated phrases and predict what follows?
04 6 · What is lost without them?
    How should one ablate attention: nullify, average or swap?
05 1 · Where is love?
    How do I find the axis between affection and dislike?
05 3 · One pair or many?
    Is averaging lots of contrasting examples better than one comparison?
05 5 · Against the prompt
    Can an angry critique be flipped into praise?
06 3 · How sure?
    How do I get confidence intervals by resampling?
06 7 · Is the best classifier the best vector?
    Can good detection still give poor control?
08 4 · King − man + woman
    Do royal gender analogies hold up?
08 5 · One space for texts and pictures
    How are photographs matched with their descriptions?
08 6 · Not comparing with everything
    How can neighbors be found without scanning the full collection?
"""
)

IN_ITS_WORDS = _questions(
    """
00 1 · What does the model read?
    Why is each digit a token of its own?
00 2 · What does the model answer?
    What shape do a model's logits have?
00 Exercise 0.1 · Softmax with a temperature
    What probability does a logit of minus infinity get?
00 Exercise 0.2 · Keep the k largest
    How many tokens does it take to hold 0.9 of the probability?
00 Exercise 0.4 · Generate
    When does the generation loop stop, and is the end token part of the result?
00 5 · What do the settings do to a text?
    Does the seed have an effect under greedy decoding?
01 2 · What is in a block?
    What is a gated FFN?
01 Exercise 1.1 · Parameters by part
    Is a tied unembedding counted twice?
01 3 · Where are the parameters?
    Does attention or the feed-forward network hold more parameters?
01 Exercise 1.2 · Bytes of the KV cache
    How is the size of the KV cache computed from a configuration?
01 Exercise 1.3 · FLOPs per token
    Which FLOPs does the count of a token leave out?
01 Exercise 1.4 · Which masking?
    How can I find out whether a model adds or multiplies its mask?
02 Exercise 2.1 · Attention
    What does a boolean mask add to the attention scores?
02 Exercise 2.2 · The causal mask of a chunk
    How many rows and columns does the causal mask of a chunk have?
02 Exercise 2.3 · Attention with a cache
    What happens when a batch has another size than the cache?
02 Exercise 2.5 · Prefill and decode
    How many forward passes does greedy decoding with a cache take?
02 Exercise 2.7 · A window with sinks
    How does eviction by accumulated attention choose what to keep?
02 7 · What does the cache gain?
    How many times fewer FLOPs does a text take when it is written with a cache?
02 Exercise 2.8 · A paged cache
    When is a block copied before it is written?
02 6 · Why is decoding slow?
    What is arithmetic intensity?
02 8 · Who waits for whom?
    How does a continuous batch differ from a static one?
03 1 · What is in `hidden_states`?
    Which entry of the hidden states is the output of a block?
03 2 · Where do hidden states come from?
    What happens if all forward hooks of a block are cleared?
03 4 · How far from the end?
    What does the Kullback-Leibler divergence compare?
03 6 · A better lens
    What does the tuned lens learn for each layer?
03 7 · Where the lens misleads
    Does the lens lean to some tokens whatever the prompt is?
04 1 · What does the noise take away?
    How is the indirect effect defined?
04 Exercise 4.1 · Corrupt
    How large is the standard deviation of the noise on the subject's embeddings?
04 6 · What is lost without them?
    How do zero, mean and resample baselines differ?
04 7 · Patching between two prompts
    How are states of one prompt put into the run on another landmark?
04 3 · One fact is an anecdote
    What do Meng et al. report about the last subject token of GPT-2 XL?
05 2 · In which blocks does it work?
    Why is a random vector of the same norm the control?
05 Exercise 5.4 · ActAdd: pad and align
    How does ActAdd bring two prompts to the same number of tokens?
05 4 · Which block, how strong?
    How is fluency measured beside the share of positive adjectives?
05 Exercise 5.7 · SLERP
    What happens in spherical interpolation if the two vectors are opposite?
06b 3 · A controller
    What does a controller of the steering strength read?
08 Exercise 8.1 · Three distances
    What is wrong with 1 - abs(cos) as a cosine distance?
08 Exercise 8.2 · Mean pooling
    What does pooling give for a row without tokens?
08 Exercise 8.3 · The nearest, exactly
    What does BM25 count?
08 Exercise 8.6 · An inverted file
    How does a search walk through the graph of HNSW?
"""
)

QUESTIONS = IN_OTHER_WORDS + IN_ITS_WORDS
