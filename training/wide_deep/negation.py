"""What a negation makes of praise and of blame: weights of n-grams by a rule of English.

The reviews teach little of it, as a sentence with *not bad* stands in good reviews and in bad ones. So the paths are
asked what they make of a word of negation before a word of praise or of blame, and where they do not clearly say the
contrary, the n-gram of both gets what is missing. It counts in short texts and fades in long ones, which have other
things to go by. A *but* is told likewise: what stands behind it outweighs what stands before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from service.inference.ngrams import ngram_keys
from training.wide_deep.corpus import SPECIAL_IDS, Ints
from training.wide_deep.features import Features, Floats
from training.wide_deep.joining import length_powers
from training.wide_deep.wide import Wide

NEGATIVE, POSITIVE = 0, 1

FADING = (4.84 / 13.69, -4.4 / 13.69, 1 / 13.69)
"""What the powers of the length (`length_powers`) make of a weight: ((2.2 - u) / 3.7) ** 2, which is 1 for texts of 7
words, .35 for 30, .1 for 80 and next to nothing beyond."""

# Of each kind, words of blame and words of praise.
QUALITIES = (
    "bad boring dull terrible awful horrible stupid poor weak slow predictable disappointing annoying "
    "ridiculous silly lame pointless confusing tedious cheap fake bland flat forgettable ugly painful pathetic "
    "laughable pretentious overrated unfunny lousy dreadful disgusting irritating clumsy shallow empty "
    "unbelievable wooden wasted tiresome repetitive uninteresting unconvincing unnecessary messy sloppy clichéd "
    "contrived mediocre cheesy dumb sentimental depressing offensive ordinary worthless unpleasant childish "
    "amateurish embarrassing insulting unwatchable superficial wrong "
    "corny tacky tasteless senseless mindless hollow lifeless unoriginal unrealistic uninspired generic derivative "
    "monotonous average trash garbage rubbish crap",
    "good great funny interesting entertaining excellent wonderful original exciting clever special convincing "
    "believable brilliant amazing beautiful charming moving enjoyable memorable powerful impressive fascinating "
    "touching smart intelligent fresh scary fun fantastic awesome effective realistic satisfying worthwhile "
    "surprising subtle creative engaging gripping thrilling romantic suspenseful witty lovely pleasant "
    "refreshing compelling remarkable outstanding superb terrific delightful hilarious imaginative inspiring "
    "likable stylish worth recommended nice cool magical heartwarming coherent intense unforgettable captivating "
    "thoughtful emotional relatable",
)
FEELINGS = (
    "disappointed bored annoyed confused offended irritated disgusted sorry",
    "impressed entertained moved touched amused surprised thrilled convinced pleased captivated satisfied",
)
VERBS = (
    "hate dislike regret skip miss",
    "like love enjoy recommend appreciate admire care",
)
"""What a person does; *don't waste* and *never mind* mean something else."""
PASTS = (
    "hated disliked regretted",
    "liked loved enjoyed admired appreciated",
)
"""What a person did."""
_SUCCEED = "work succeed convince impress entertain satisfy deliver engage"
DEEDS = (
    "disappoint bore fail drag lack suffer spoil ruin lose disappoints bores fails drags loses disappointed failed",
    f"{_SUCCEED} works succeeds convinces impresses delivers",
)
"""What a film does."""
THINGS = (
    "waste mess failure disaster disappointment bore dud bomb",
    "masterpiece classic success gem triumph delight must fan",
)
PARTS = (
    "complaint complaints flaw flaws weakness weaknesses cliché clichés cliche cliches mistakes regrets problem "
    "problems",
    "charm wit suspense depth humor humour chemistry tension originality imagination surprises laughs talent "
    "plot sense",
)
_DEGREES = "very so really that too even particularly all quite exactly entirely completely as nearly half terribly"
"""What stands between a negation and a quality, and lets it stand."""


@dataclass(frozen=True)
class Phrase:
    """A negation with what it negates.

    Attributes:
        text: two or three words.
        label: what it is to say.
        frames: of texts with it, which stands for `{}` in them.
    """

    text: str
    label: int
    frames: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """Words of negation, what may stand behind them, and what they turn into its contrary.

    Attributes:
        negations: the first word.
        between: a word that may follow; "-" is none.
        words: of blame and of praise.
        frames: of texts with it, which stands for `{}` in them.
    """

    negations: str
    between: str
    words: tuple[str, str]
    frames: tuple[str, ...] = ("{}",)

    def phrases(self) -> Iterator[Phrase]:
        """One for each choice of words."""
        for negation, between in product(self.negations.split(), self.between.split()):
            for label, words in zip((POSITIVE, NEGATIVE), self.words, strict=True):
                for word in words.split():
                    text = f"{negation} {word}" if between == "-" else f"{negation} {between} {word}"
                    yield Phrase(text, label, self.frames)


_FILM = ("{}", "it {}", "this film {}", "the story {}")
_I = ("{}", "i {}", "you {}")
_TURN = "but yet"
_AFTER_TURN = "- a very so too really also still ultimately quite just is was it's"
RULES = (
    Rule("not never", f"- {_DEGREES} a an any one", QUALITIES, ("{}", "it is {}", "it was {}", "this film was {}")),
    Rule("isn't wasn't aren't weren't", f"- {_DEGREES} a an any", QUALITIES, _FILM),
    Rule("not never", f"- {_DEGREES} be feel get", FEELINGS, ("{}", "i was {}", "i am {}")),
    Rule("wasn't isn't aren't weren't", f"- {_DEGREES}", FEELINGS, _I),
    Rule(
        "don't didn't doesn't won't wouldn't can't cannot couldn't",
        "be feel get look seem become find",
        QUALITIES,
        _FILM,
    ),
    Rule("don't didn't won't wouldn't can't cannot couldn't", "be feel get", FEELINGS, _I),
    Rule("don't didn't doesn't won't wouldn't can't cannot couldn't not never", "- really even ever", VERBS, _I),
    Rule("doesn't didn't won't not never", "- really even ever", DEEDS, _FILM),
    Rule("doesn't didn't", "- even", ("waste", ""), _FILM),
    Rule("can't cannot couldn't", "- even", ("stop", ""), _I),
    Rule("hard impossible difficult", "to", ("forget beat top resist fault", "watch follow believe finish sit take")),
    Rule("a", "single", QUALITIES, ("not {}", "without {}", "there is not {}", "there isn't {}")),
    Rule("never", "gets get got getting", ("old tired", "")),
    Rule("hard impossible difficult nothing", "to", VERBS, ("{}", "it is {}", "it's {}")),
    Rule("never", "is was becomes becoming became gets getting feels felt seems seemed looks", QUALITIES, _FILM),
    Rule("couldn't can't cannot not", "be get", ("better", "worse")),
    Rule("not isn't wasn't never", "a the", THINGS, ("{}", "it is {}", "it was {}")),
    Rule("not isn't wasn't never", "a", ("waste", ""), ("{}", "{} of time")),
    Rule("no without any", "- real", PARTS),
    Rule("nothing neither nor hardly barely scarcely rarely seldom nowhere", "- really particularly very", QUALITIES),
    Rule("hardly never no", "a", QUALITIES),
    Rule("hardly", "a", THINGS),
    Rule("far", "from", QUALITIES, ("{}", "it is {}")),
    Rule("anything", "but", QUALITIES, ("{}", "it is {}")),
    Rule("less", "than", QUALITIES, ("{}", "it is {}")),
    Rule("without", "a any one being getting becoming", QUALITIES),
    Rule("nearly", "as", QUALITIES, ("not {}", "wasn't {}")),
    Rule("not", "without", PARTS[::-1]),  # negated twice
    Rule("hardly few little not", "any much enough", PARTS),
    Rule("say", "i", PASTS, ("i can't {}", "i cannot {}")),
    Rule(
        "expected expecting hoping wanted hoped tried", "to", ("hate dislike", "like love enjoy laugh"), ("{}", "i {}")
    ),
    Rule("expected expecting", "a an", QUALITIES, ("{}", "i {}")),
    Rule("have", "been", ("", QUALITIES[POSITIVE]), ("could {}", "it could {}", "should {}")),
    Rule(_TURN, _AFTER_TURN, (QUALITIES[POSITIVE], ""), ("slow {}", "it is boring {}", "it starts badly {}")),
    Rule(_TURN, _AFTER_TURN, ("", QUALITIES[NEGATIVE]), ("good {}", "it is beautiful {}", "it starts well {}")),
    Rule("seen", "anything", ("better", "worse"), ("{}", "never {}")),
    Rule("any", "better", ("than", ""), ("{}", "it doesn't get {}")),
    Rule("any", "worse", ("", "than"), ("{}", "it doesn't get {}")),
    Rule("not won't wouldn't", "watch see", ("", "it again")),
    Rule("free", "of", (PARTS[NEGATIVE], "")),
    Rule("at", "all", QUALITIES, ("not {}", "it is not {}")),
    Rule("at", "all", FEELINGS, ("not {}", "i was not {}")),
    Rule("no", "means", QUALITIES, ("by {}",)),
    Rule("no", "-", (QUALITIES[NEGATIVE], "")),
    Rule("no", "-", THINGS),
    Rule("nothing", "-", DEEDS),
    Rule("devoid void lack absence", "of", PARTS),
    Rule("lacks lacked lacking", "- any in", PARTS),
    Rule("fails failed fail", "to", ("", _SUCCEED)),
    Rule("never", "fails failed fail", ("to", ""), ("{}", "{} impress", "it {} entertain")),
    Rule("never", "lets", ("you", "")),
    Rule("be", "-", ("missed", ""), ("not to {}", "should not {}")),
    Rule("nobody", "will would could can should", ("", VERBS[POSITIVE])),
)
"""Of rules that make the same phrase the last counts."""

Encode = Callable[[Sequence[str]], Sequence[Ints]]
"""Token ids of texts, the start id first."""


def fading(lengths: Sequence[int] | Ints) -> Floats:
    """What a weight counts for in texts of so many token ids, float64[n]."""
    counted: Floats = length_powers(np.asarray(lengths)) @ np.array(FADING)
    return counted


def negation_weights(encode: Encode, logits: Callable[[Sequence[Ints]], Floats], num_words: int, margin: float) -> Wide:
    """Weights of the n-grams of `RULES`, in one column.

    Args:
        encode: reads phrases, and texts with them.
        logits: of both paths, joined.
        num_words: above every token id.
        margin: logit of the contrary that an n-gram is to have at least.
    """
    phrases = _known_phrases(encode, num_words)
    keys = np.array(list(phrases), np.int64)
    signs = np.array([1 if phrase.label == POSITIVE else -1 for phrase in phrases.values()], np.int64)
    counts = [len(phrase.frames) for phrase in phrases.values()]
    of_phrase = np.repeat(np.arange(len(keys)), counts)

    def total(values: Floats) -> Floats:
        """Over all texts with a phrase."""
        return np.bincount(of_phrase, values, len(keys)).astype(np.float64)

    token_ids = encode([frame.format(phrase.text) for phrase in phrases.values() for frame in phrase.frames])
    said = logits(token_ids) if token_ids else np.zeros(0)
    missing = total(margin - signs[of_phrase] * said)
    weights = signs * np.maximum(missing, 0) / total(fading([len(ids) for ids in token_ids]))
    keys, weights = keys[weights != 0], weights[weights != 0]
    ends = np.searchsorted(keys, [0, num_words, num_words**2, num_words**3])
    features = Features(tuple(keys[first:end] for first, end in pairwise(ends)))
    return Wide(features, weights[:, None], np.zeros(1))


def _known_phrases(encode: Encode, num_words: int) -> dict[int, Phrase]:
    """The phrases of all rules of which every word is known, by the keys of their n-grams, rising."""
    phrases = list({phrase.text: phrase for rule in RULES for phrase in rule.phrases()}.values())
    known = {}
    for phrase, ids in zip(phrases, encode([phrase.text for phrase in phrases]), strict=True):
        words = ids[1:].tolist()
        if len(words) == len(phrase.text.split()) and min(words) >= SPECIAL_IDS:
            *_, keys = ngram_keys(ids[1:], len(words), num_words)
            known[int(keys[0])] = phrase
    return dict(sorted(known.items()))
