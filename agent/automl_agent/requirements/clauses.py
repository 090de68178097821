"""Reads the part of a sentence that says what is predicted: "which customers will churn", "the price of a house"."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from automl_schemas.vocabulary import TaskType

from automl_agent.requirements.intent import Intent, about_phrase, with_entity
from automl_agent.requirements.phrases import (
    CLASS_NOUNS,
    entity_of,
    head_noun,
    is_plural,
    noun_phrase,
    predicate,
    split_clause,
)
from automl_agent.requirements.speech import Verb
from automl_agent.requirements.text import bare, singular, tidy, word_set

__all__ = ["read_apart", "read_complement", "read_question"]

_APART: Final = re.compile(
    r"\b(?:tell(?:s|ing)?|distinguish(?:es|ing)?|separat(?:e|es|ing)|differentiat(?:e|es|ing)|discriminat(?:e|es"
    r"|ing)|sort(?:s|ing)?|divid(?:e|es|ing)|keep(?:s|ing)?|filter(?:s|ing)?|discern(?:s|ing)?)\s+(?:(?:me|us|apart"
    r"|out|between|the|whether)\s+)*(?P<first>[^|]+?)\s+(?:(?:(?:apart|away|out)\s+)?from|and|versus|vs\.?|against"
    r"|or)\s+(?P<second>[^|]+?)(?:\s+apart)?$",
    re.IGNORECASE,
)
_NORMAL: Final = re.compile(
    r"\b(?:normal|ordinary|regular|benign|good|fine|legit(?:imate)?|genuine|healthy|ok(?:ay)?|clean|safe|real"
    r"|honest|non[- ]\w+|not \w+|the rest|others?|no)\b",
    re.IGNORECASE,
)
_LIKELIHOOD: Final = re.compile(
    r"^(?:(?:the|an?|our|their|how high|what|is|of)\s+)*(?:probabilit(?:y|ies)|likelihood|chances?|odds|propensity"
    r"|risk)\s+(?:is\s+)?(?P<link>that|of|for|to|if)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_RISK_OF: Final = re.compile(
    r"^(?:(?:the|an?|our|each|every)\s+)*(?P<who>[\w-]+?)(?:'s|s')?\s+(?:probability|likelihood|chances?|odds"
    r"|propensity|risk)\s+(?P<link>of|to|for)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)
_HOW: Final = re.compile(r"^how\s+(?P<word>\w+)\b\s*(?P<rest>.*)$", re.IGNORECASE)
_MEASURES: Final = word_set("""
    many much long late early old tall high deep fast slow quick quickly far heavy big large small expensive cheap
    wide strong hot cold warm often frequently soon bad good well hard loud bright busy full dense thick valuable
    polluted humid windy rich costly dear satisfied happy severe productive efficient popular profitable acidic
    salty sweet young
""")
_ASKED_NOUN: Final = re.compile(
    r"^(?!(?:my|our|the|these|those|your|their)\s)(?P<noun>[\w-]+(?:\s(?!will\b|would\b|does\b|do\b|did\b|is\b"
    r"|are\b|has\b|can\b|should\b)[\w-]+)?)\s+(?:(?:will|would|does|do|did|is|are|has|can"
    r"|should)\s+)?(?P<rest>(?:an?|the|each|every|it|they|this|that|he|she|we|someone|people|our|my|these|those|i"
    r"|you)\b.*)$",
    re.IGNORECASE,
)
_OF_OURS: Final = re.compile(
    r"^(?P<noun>(?:(?:our|my|the)\s+)?[\w-]+(?:\s[\w-]+)?)\s+(?:that\s+)?(?:we|i|you)\s+(?:(?:will|would|might|may"
    r"|could|are going to|are about to)\s+)?(?P<said>.+)$",
    re.IGNORECASE,
)
"""Plural things that something happens to: "which clients we will lose"."""
_WHAT_BE: Final = re.compile(
    r"^(?P<aux>is|are|was|were|will|would|does|do|did|should|can)\s+(?P<rest>.+?)(?:\s+(?:be|look like))?$",
    re.IGNORECASE,
)
_WHAT_DOES: Final = re.compile(
    r"^(?:will|would|does|do|did|should|can)\s+(?P<who>(?:an?|the|each|every|our|my|this|one)\s+(?:new\s+)?[\w-]+)\s+"
    r"(?P<said>(?!be\b|look like\b|of\b|for\b|in\b|on\b|at\b|per\b)[\w-]+(?:\s+(?:us|me|them|you))?)$",
    re.IGNORECASE,
)
""" "what will a new customer cost us"."""
_LIKELY: Final = (
    r"(?:(?:which|that|who)\s+)?(?:(?:is|are)\s+)?(?:(?:most|more|very|highly)\s+)?(?:likely|about|going|prone"
    r"|expected|set|due|bound|willing|ready)\s+to|(?:(?:which|that|who)\s+(?:is|are)\s+)?(?:at|in) (?:(?:high"
    r"|higher|great)\s+)?(?:risk|danger) (?:of|to|for)|on the verge of"
)
_RELATIVE: Final = re.compile(
    rf"^(?P<noun>(?:[\w'-]+\s+){{0,6}}?[\w'-]+)\s+(?:(?:{_LIKELY})\s+(?P<likely>.+)|(?:who|that"
    rf"|which)\s+(?P<rest>.+))$",
    re.IGNORECASE,
)
_INTO: Final = re.compile(
    r"^(?P<what>[^|]*?)\s+(?P<link>as|into|to be|in|to|by|according to|per|with)\s+(?P<classes>[^|]+)$", re.IGNORECASE
)
_LIST: Final = re.compile(r"\s*(?:,\s*(?:and|or)?\s*|\s+(?:and|or|versus|vs\.?)\s+|/)\s*", re.IGNORECASE)
_AFTER_VERB: Final = re.compile(
    r"in|on|at|to|for|of|with|the|an?|best|more|less|by|from|up|it|there|here|now|well|fast|most", re.IGNORECASE
)


def read_apart(segment: str) -> Intent | None:
    """The intent of "tell spam messages from normal ones"; None when nothing is told apart."""
    match = _APART.search(segment)
    if match is None:
        return None
    items = [bare(item) for item in [*_LIST.split(match["first"]), *_LIST.split(match["second"])] if bare(item)]
    if re.match(r"^(?:which|who|whether|if|how|what|when)\b", match["first"], re.IGNORECASE) or len(items) < 2:
        return None
    if len(items) > 2:
        return Intent(task="multiclass", target=", ".join(items))
    first, second = items
    wanted = second if _NORMAL.search(first) and not _NORMAL.search(second) else first
    words = wanted.split()
    intent = Intent(task="binary", target=wanted)
    noun = (
        singular(words[-1])
        if len(words) > 1 and (is_plural(words[-1]) or words[-1].casefold() in second.casefold())
        else None
    )
    if noun is not None:
        intent = replace(with_entity(intent, words[-1]), positive=" ".join(words[:-1]) if len(words) == 2 else words[0])
    return intent


def read_question(words: str) -> Intent | None:
    """The intent of a question: how many, which, what, who, whether; None when `words` is none."""
    words = re.sub(
        r"^(?:for|in|by|at|to|on|from|after|within|with|of)\s+(?=(?:how|which|what|whom)\b)",
        "",
        words,
        flags=re.IGNORECASE,
    )
    words = re.sub(r"^(what|who|how|when)'s\b", r"\1 is", words, flags=re.IGNORECASE)
    first, _, rest = words.partition(" ")
    rest = rest.strip()
    match first.casefold():
        case "how":
            return _how(words)
        case "if" | "whether":
            return _whether(re.sub(r"^or not\s+", "", rest, flags=re.IGNORECASE))
        case "which" | "whose":
            return _several(words) or _which(rest, chosen=True)
        case "what":
            return _what(rest)
        case "where" if re.match(r"(?:does|do|did)\b", rest, re.IGNORECASE):
            return about_phrase(words, "multiclass")
        case "who" | "whom":
            return _who(rest)
        case "is" | "are" | "will" | "does" | "do" | "did" | "has" | "have" | "was" | "were" | "would":
            return _inverted(rest)
        case "when":
            clause = split_clause(rest)
            if clause is not None and not clause.subject:
                return _inverted(clause.predicate, task=None)
            return (
                with_entity(Intent(target=clause.phrase), clause.subject)
                if clause and clause.predicate
                else about_phrase(rest)
            )
    return None


def _how(words: str) -> Intent | None:
    match = _HOW.match(words)
    if match is None:
        return None
    word, rest = match["word"].casefold(), match["rest"]
    if word in {"likely", "probable"}:
        return _whether(
            re.sub(r"^(?:is it (?:that|for)|it is (?:that|for)|that|is|are)\s+", "", rest, flags=re.IGNORECASE)
        )
    if word in {"do", "does", "did", "will", "would", "is", "are", "can"}:
        manner = _inverted(rest, task=None)
        return None if manner is None else replace(manner, task="multiclass")
    if word not in _MEASURES:
        return about_phrase(words) if word in {"a", "an", "the", "our", "each"} else None
    target = predicate(rest) if word in {"many", "much"} else predicate(f"{word} {rest}")
    entity = entity_of(rest)
    of = re.search(r"\b(?:per|by|for each|for every)\s+(?P<noun>[\w-]+)$", target, re.IGNORECASE)
    if of is not None:
        entity, target = singular(of["noun"]), target[: of.start()].strip()
    return Intent(task="regression", target=target or None, entity=entity, entity_phrase=entity)


def _whether(words: str) -> Intent | None:
    words = re.sub(r"^(?:or not\s+|that\s+)", "", words, flags=re.IGNORECASE)
    clause = split_clause(words)
    if clause is not None and clause.predicate and clause.subject:
        return with_entity(Intent(task="binary", target=clause.phrase), clause.subject)
    if clause is not None and clause.predicate:
        inner = split_clause(clause.predicate)
        if inner is not None and inner.subject and inner.predicate:
            return with_entity(Intent(task="binary", target=inner.phrase), inner.subject)
    subject, rest = _simple_subject(words)
    if not rest:
        return Intent(task="binary", target=predicate(words)) if words else None
    return with_entity(Intent(task="binary", target=predicate(rest)), subject)


def _inverted(words: str, task: TaskType | None = "binary") -> Intent | None:
    """ "is this mail spam", "will a customer subscribe", "does it rain"."""
    match = re.match(
        r"^(?P<subject>(?:(?:an?|the|each|every|our|any|this|that|my)\s+)?[\w-]+)\s+(?P<said>.+)$", words, re.IGNORECASE
    )
    if match is None or re.match(r"^(?:there|you|we|i)\b", words, re.IGNORECASE):
        return None
    intent = Intent(task=task, target=predicate(match["said"]))
    subject = _subject_before_verb(words, match["subject"])
    return with_entity(replace(intent, target=predicate(words[len(subject) :])), subject)


def _subject_before_verb(words: str, first: str) -> str:
    """The subject of an inverted question; plural nouns end it ("our bank customers")."""
    subject, rest = _simple_subject(words)
    return subject if rest and is_plural(subject.split()[-1]) and words.startswith(subject) else first


def _simple_subject(words: str) -> tuple[str, str]:
    """Subject and rest of "a bank client pays back", "customers churn": up to the first verb-like word."""
    match = re.match(
        r"^(?P<article>(?:an?|the|each|every|our|any|some|this|that|these|those|my)\s+)?(?P<rest>.*)$",
        words,
        re.IGNORECASE,
    )
    assert match is not None
    tokens = match["rest"].split()
    if match["article"]:
        for i, token in enumerate(tokens[1:4], start=1):
            if re.fullmatch(
                r"(?:[a-z]{2,}[^su]s|[a-z]{3,}ed|goes|does|pays|left|went|paid|fell|got|made|won|lost|didn't"
                r"|doesn't|never|not)",
                token,
                re.IGNORECASE,
            ):
                return " ".join(tokens[:i]), " ".join(tokens[i:])
    for i, token in enumerate(tokens[:3]):
        if i > 0 and (i + 1 == len(tokens) or _AFTER_VERB.fullmatch(tokens[i + 1])):
            break
        if is_plural(token) and i + 1 < len(tokens):
            return " ".join(tokens[: i + 1]), " ".join(tokens[i + 1 :])
    return " ".join(tokens[:1]), " ".join(tokens[1:])


def _which(words: str, *, chosen: bool) -> Intent | None:
    words = re.sub(r"^(?:ones?\s+)?(?:of|from|among|out of)\s+(?:all\s+)?", "", words, flags=re.IGNORECASE)
    asked = _ASKED_NOUN.match(words)
    lost = _OF_OURS.match(words)
    if lost is not None and is_plural(lost["noun"].split()[-1]):
        return with_entity(Intent(task="binary", target=predicate(lost["said"])), lost["noun"])
    if asked is not None and not _has_clause(asked["noun"]):
        noun = asked["noun"].split()[0] if asked["noun"].split()[-1].casefold() in {"of"} else asked["noun"]
        task: TaskType | None = "multiclass" if chosen or head_noun(noun) in CLASS_NOUNS else None
        entity = entity_of(words)
        said = tidy(words) if asked["noun"] == noun and len(asked["rest"].split()) > 2 else noun
        return Intent(task=task, target=bare(said), entity=entity, entity_phrase=entity)
    kind = re.match(
        r"^(?P<kind>type|kind|sort|category|class|group|species|brand|variety|breed|form)s?\s+of\s+(?P<of>.+)$",
        words,
        re.IGNORECASE,
    )
    clause = split_clause(words)
    if kind is not None:
        thing = kind["of"] if clause is None else re.sub(r"^\w+s?\s+of\s+", "", clause.subject, flags=re.IGNORECASE)
        return with_entity(
            Intent(task="multiclass", target=tidy(words[: kind.end("kind")] + " of " + bare(thing))), thing
        )
    if clause is not None and clause.subject and clause.predicate:
        return _chosen_or_yes_no(clause.subject, clause.phrase)
    subject, rest = _simple_subject(words)
    if not rest:
        return Intent(task="multiclass" if chosen else None, target=bare(words)) if words else None
    return _chosen_or_yes_no(subject, predicate(rest))


def _several(words: str) -> Intent | None:
    """ "which pumps work, which need repair and which do not": one class for each."""
    first, *others = re.split(r"\s*,?\s+(?:and\s+)?(?:which|who)\s+", words, flags=re.IGNORECASE)
    subject, rest = _simple_subject(re.sub(r"^(?:which|whose)\s+", "", first, flags=re.IGNORECASE))
    if len(others) < 2 or not rest:
        return None
    clause = split_clause(f"x {rest}")
    said = clause.phrase if clause is not None and clause.subject == "x" else predicate(rest)
    return with_entity(Intent(task="multiclass", target=", ".join([said, *map(predicate, others)])), subject)


def _has_clause(noun: str) -> bool:
    return is_plural(noun.split()[0]) and len(noun.split()) > 1 and not is_plural(noun.split()[-1])


def _chosen_or_yes_no(subject: str, said: str) -> Intent:
    """ "which customers will churn" asks yes or no of each; "which cultivar grows" asks for one of several."""
    noun = head_noun(subject)
    if noun in CLASS_NOUNS and not is_plural(bare(subject).split()[-1]):
        return Intent(task="multiclass", target=bare(subject))
    words = re.findall(r"[\w'-]+", re.split(r"\s+(?:of|in|from|on|at|with|for|who|that)\s", subject)[0])
    plural = bool(words) and (is_plural(words[-1]) or words[-1].casefold() in {"ones", "people"})
    return with_entity(Intent(task="binary" if plural else None, target=said), subject)


def _what(words: str) -> Intent | None:
    words = re.sub(r"^'s\s+", "is ", words)
    being = _WHAT_BE.match(words)
    does = _WHAT_DOES.match(words)
    if does is not None:
        return with_entity(about_phrase(does["said"]), does["who"])
    if being is not None:
        likelihood = _likelihood(being["rest"])
        return likelihood or about_phrase(re.sub(r"\s+be$", "", being["rest"], flags=re.IGNORECASE))
    return _which(words, chosen=False)


def _who(words: str) -> Intent | None:
    among = re.match(
        r"^(?:among|of|amongst|from)\s+(?P<who>.+?)\s+(?=will|is|are|would|has|have|might|may)(?P<rest>.+)$",
        words,
        re.IGNORECASE,
    )
    subject, words = (among["who"], among["rest"]) if among is not None else ("", words)
    clause = split_clause(f"x {words}") if words else None
    said = clause.phrase if clause is not None and clause.subject == "x" else predicate(words)
    intent = Intent(task="binary", target=said or None)
    return with_entity(intent, subject) if subject else intent


def _likelihood(words: str) -> Intent | None:
    match = _LIKELIHOOD.match(words)
    if match is not None:
        rest = match["rest"]
        if match["link"].casefold() in {"that", "if"} or split_clause(rest) is not None:
            return _whether(rest)
        ing = re.match(
            r"^(?P<who>(?:an?|the|each|every|our)\s+[\w-]+)\s+(?P<what>(?:[\w-]+ing|to)\b.*)$", rest, re.IGNORECASE
        )
        if ing is not None:
            return with_entity(Intent(task="binary", target=predicate(ing["what"])), ing["who"])
        target, owner = noun_phrase(rest)
        intent = Intent(task="binary", target=target)
        return intent if owner is None else with_entity(intent, owner)
    owned = _RISK_OF.match(words)
    if owned is None:
        return None
    return with_entity(Intent(task="binary", target=predicate(noun_phrase(owned["rest"])[0])), owned["who"])


def read_complement(verb: Verb, words: str) -> Intent | None:
    """The intent behind `verb` and what follows it; None when nothing follows."""
    words = re.sub(
        r"^(?:(?:me|us|for (?:me|us)|you|to (?:me|us)|please|that|in advance|early|correctly|automatically|reliably"
        r"|out|all|:)(?:\s+|$))+",
        "",
        words,
        flags=re.IGNORECASE,
    ).strip(" ,:")
    if not words:
        return None
    question = read_question(words) or _likelihood(words)
    if question is not None:
        return replace(question, task="forecast") if verb == "forecast" and question.task == "regression" else question
    if verb == "classify":
        return _classes(words) or about_phrase(words, "multiclass")
    relative = _RELATIVE.match(words)
    if relative is not None and (
        relative["likely"] or is_plural(relative["noun"].split()[-1]) or verb in {"detect", "rank"}
    ):
        return _of_relative(relative)
    if verb == "recognise":
        return _classes(words) or about_phrase(words)
    if verb == "detect":
        return _detected(words)
    if verb == "rank":
        return _ranked(words)
    return about_phrase(words, {"estimate": "regression", "forecast": "forecast"}.get(verb))  # type: ignore[arg-type]


def _of_relative(match: re.Match[str]) -> Intent:
    said = match["likely"] or match["rest"]
    clause = split_clause(f"x {said}")
    target = clause.phrase if clause is not None and clause.subject == "x" else predicate(said)
    return with_entity(Intent(task="binary", target=target), match["noun"])


def _classes(words: str) -> Intent | None:
    """ "emails as spam or not", "the flowers by species", "tickets into billing, sales and support"."""
    match = _INTO.match(words)
    if match is None or not match["what"]:
        return None
    link, classes = match["link"].casefold(), predicate(match["classes"])
    kind = re.match(
        r"^(?:(?:\d+|two|three|four|five|several|different|various|the right|their|its|one of)\s+)*(?:classes"
        r"|categories|groups|types|kinds|labels|buckets)(?:\s*[:(]\s*(?P<list>.+))?$",
        classes,
        re.IGNORECASE,
    )
    if kind is not None and kind["list"] is None:
        return about_phrase(match["what"], "multiclass")
    items = [bare(re.sub(r"^(?:either|being)\s+", "", item)) for item in _LIST.split(kind["list"] if kind else classes)]
    items = [item for item in items if item and item.casefold() not in {"not", "otherwise"}]
    if not items:
        return None
    if link in {"by", "according to", "per", "with"} or (len(items) == 1 and link in {"in", "to", "into"}):
        return with_entity(
            Intent(task="multiclass", target=bare(items[0] if len(items) == 1 else classes)), match["what"]
        )
    if len(items) > 2:
        return with_entity(Intent(task="multiclass", target=", ".join(items)), match["what"])
    wanted = items[1] if len(items) == 2 and _NORMAL.search(items[0]) and not _NORMAL.search(items[1]) else items[0]
    return with_entity(Intent(task="binary", target=wanted, positive=None), match["what"])


def _detected(words: str) -> Intent:
    target, owner = noun_phrase(words)
    noun = head_noun(target)
    intent = Intent(task="multiclass" if noun in CLASS_NOUNS else "binary", target=target or None)
    if owner is None and len(target.split()) > 1 and is_plural(target.split()[-1]):
        owner = target.split()[-1]
    return intent if owner is None else with_entity(intent, owner)


def _ranked(words: str) -> Intent:
    match = re.match(
        r"^(?P<who>.+?)\s+(?:by|for|on|according to)\s+(?:(?:how|their|the|its)\s+)*(?:(?:likely|likelihood"
        r"|probability|chances?|propensity|risk)\s+(?:(?:they|it) (?:are|is)\s+)?(?:to|of|for)\s+)?(?P<what>.+)$",
        words,
        re.IGNORECASE,
    )
    if match is None:
        return about_phrase(words)
    return with_entity(Intent(task="binary", target=predicate(match["what"])), match["who"])
