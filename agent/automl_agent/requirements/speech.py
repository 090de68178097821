"""Courtesy, framing and verbs of a request: what stands around the thing that is asked."""

from __future__ import annotations

import re
from typing import Final, Literal

from rapidfuzz.distance import OSA

from automl_agent.requirements.text import word_set

__all__ = ["GENERIC_KIND", "SMALL_TALK", "Verb", "correct_typos", "find_verb", "strip_courtesy"]

Verb = Literal["predict", "classify", "recognise", "detect", "estimate", "forecast", "rank"]

_VERBS: Final[dict[Verb, str]] = {
    "forecast": r"(?:re)?forecast(?:s|ed|ing)?|extrapolat(?:e|es|ing)|project(?:s|ing)? (?=the|our|how|future"
    r"|sales|demand|revenue)",
    "estimate": r"estimat(?:e|es|ed|ing)|approximat(?:e|es|ing)|apprais(?:e|es|ing)|regress|evaluate(?= how| the"
    r"| what)|quantify|assess",
    "classify": r"classif(?:y|ies|ied|ying)|categori[sz](?:e|es|ed|ing)|label(?:s|ling|ing)? (?!is|=|:|column)"
    r"|sort(?:s|ing)?|assign(?:s|ing)?|tag(?:s|ging)?|rout(?:e|es|ing)|triag(?:e|es|ing)"
    r"|(?:send|direct|forward|dispatch)(?:s|es|ing)?(?= (?:each|every|all|our|the|new|incoming)\b[^|]* to\b)",
    "recognise": r"recogni[sz](?:e|es|ing)|identif(?:y|ies|ying)|diagnos(?:e|es|ing)|decid(?:e|es|ing)|choose"
    r"|judg(?:e|es|ing)",
    "detect": r"detect(?:s|ing)?|spot(?:s|ting)?|flag(?:s|ging)?(?: up)?|catch(?:es|ing)?|find(?:s|ing)?(?! out)"
    r"|discover(?:s|ing)?|uncover|screen(?:s|ing)? for|pick(?:s|ing)? out|filter(?:s|ing)? out|look for|search for"
    r"|watch for|warn (?:me|us) (?:about|of|when|if)|alert (?:me|us) (?:about|of|when|if|to)|list",
    "rank": r"rank(?:s|ing)?|scor(?:e|es|ing)(?= (?:the|our|each|every|all|leads|customers|users"
    r"|(?:\w+ ){1,3}(?:by|for|on)\b))|prioriti[sz](?:e|es|ing)",
    "predict": r"(?:please to )?predict(?:s|ed|ing|able)?|prognos(?:e|ticate|ing)|anticipat(?:e|es|ing)"
    r"|foresee(?:ing)?|foretell|guess(?:es|ing)?|infer(?:s|ring)?|determin(?:e|es|ing)|find(?:ing)? out|figur(?:e"
    r"|es|ing) out|work(?:s|ing)? out|know(?:s|ing)?|learn(?:s|ing)?(?: to (?:predict|tell))?|understand(?:ing)?"
    r"|see|say(?:s|ing)?|calculat(?:e|es|ing)|comput(?:e|es|ing)|model(?:s|ling|ing)? (?=the|how|whether|which|our"
    r"|if)|tell(?:s|ing)?|show(?:s|ing)?|derive|check|impute|output(?:s)?|explain(?= (?:what|which|why))|warn|alert"
    r"|name|give (?:me|us)|(?:do|make|get|have|give (?:me|us)|want|need|like|run|a|an|the)\s+(?:an? |the |good "
    r"|accurate |reliable |some |simple )*predictions?\s+(?:of|for|about|on|over|regarding|whether|if|which|who"
    r"|how)(?= )",
}
_VERB: Final = re.compile(
    "|".join(f"(?P<{name}>\\b(?:{pattern})(?!\\w))" for name, pattern in _VERBS.items()), re.IGNORECASE
)
_STRONG: Final = frozenset({"forecast", "estimate", "classify", "recognise", "detect", "rank"})
_PREDICTS: Final = re.compile(
    r"predict|prognos|anticipat|forese|guess|infer|determin|out|model|tell|show", re.IGNORECASE
)

_KIND: Final = (
    r"(?:ml|machine[- ]learning|ai|good|great|nice|simple|small|fast|accurate|robust|predictive|prediction|binary"
    r"|multi-?class|time[- ]series|classification|regression|forecast(?:ing)?|deep|neural|statistical|best|baseline"
    r"|production|python|new|little|reliable|explainable|interpretable|supervised|unsupervised|linear|logistic"
    r"|boosting|gradient|tree|lightgbm|state-of-the-art|daily|quick|tiny)"
)
GENERIC_KIND: Final = re.compile(rf"^(?:(?:an?|the|some|our|make|do|run|build|{_KIND})\s+)+", re.IGNORECASE)
"""Words before a kind of model that say nothing about what it is of: "a simple binary"."""
_COURTESY: Final = re.compile(
    r"^(?:(?:hi|hello|hey|hallo|dear \w+|good (?:morning|afternoon|evening|day)|greetings|bonjour|guten tag|servus"
    r"|salut)(?: (?:there|all|team|everyone|folks|guys|you|again))?\b|(?:please|kindly|pls|plz|ok(?:ay)?|well|so"
    r"|now|then|just|maybe|perhaps|also|basically|simply|really|urgent(?:ly)?|quickly|hmm?|um|and|but|thus"
    r"|therefore)\b|(?:can|could|would|will|may|might|should|shall) (?:you|we|i|one|somebody|someone)(?: (?:please"
    r"|kindly|maybe|perhaps|also|be able to|help (?:me|us)(?: to| with)?|mind))?\b|(?:is it possible|is there (?:a"
    r"|any) way|would it be possible|it would be (?:great|nice|good|cool|helpful|awesome)|it'd be (?:great|nice"
    r"|good))(?: (?:to|if (?:you|we|i) (?:could|can)))?\b|(?:i|we)(?:'d| would| should)? (?:really |also |just "
    r"|very much )?(?:like|love|want|need|wish|prefer|intend|plan|hope|try|have|wanna|must|seek|require|are trying"
    r"|am trying|are looking|am looking)(?: you)?(?: (?:to (?:know|be able to|find out|see)|to|for|a way to"
    r"|help (?:to|with)))?\b|(?:i|we)(?:'m|'re| am| are) (?:interested in|curious(?: about| to know)?"
    r"|looking (?:for|to)|trying to|asked to|supposed to|wondering)\b|(?:my|our|the|your|his"
    r"|her) (?:[\w-]+ ){0,2}(?:goal|aim|task|objective|idea|job|question|purpose|target|problem|boss|manager|client"
    r"|team|ceo|department|wish|mission|intention|company)\b(?: here| now)?(?: (?:is|was|will be|would be|wants?"
    r"|needs?|asks?|would like|asked))?(?: (?:me|us|you))?(?: to| for| that)?\b\s*:?|(?:goal|task|objective|aim"
    r"|request|question|problem|use case|todo|ask)\s*:|(?:help|let)(?: (?:me|us))?(?: (?:to|in|with))?\b|let's\b"
    r"|try to\b|(?:how|what) (?:can|could|do|should) (?:i|we|you)\b|wanted\s*:?|looking (?:for|to)\b|in order to\b"
    r"|to\b(?= \w)"
    rf"|(?:build|train|create|make|develop|set up|give|generate|write|design|construct|fit|learn|produce|prepare"
    rf"|implement|deliver|provide|get|use|do|run|apply|find|ship|deploy|start)(?: (?:me|us))?\s+(?:an? |the |some "
    rf"|our |my )?(?:{_KIND} ){{0,4}}(?:model|classifier|regressor|predictor|estimator|system|tool|pipeline|project"
    rf"|service|api|app|algorithm|solution|ai|bot|thing|machine|program|detector|engine|network|tree|analysis|code"
    rf"|script)s?\b(?: (?:to|that|which|for|of|on|so that|such that|where|who|with|about|,))*(?: (?:it )?(?:can"
    rf"|will|could|should|would|must|is able to|are able to|we can|i can|we|i|lets? us|lets? me|helps? (?:us"
    rf"|me)(?: to)?|allows? (?:us|me) to))*\b"
    r"|(?:build|train|create|make|develop|set up|give|generate|write|design|fit|run|do|need|want)(?: (?:me"
    r"|us))?\s+(?:an?|the|some|our)\s+(?=[^|]*\b(?:model|classif|predict|forecast|detect|estimat|recogni"
    r"|segmentation|clustering|filter|regress|scor)\w*)|(?:an? |the |some |our |this "
    r"|my )?(?:[\w-]+ ){0,3}?(?:model|classifier|regressor|predictor|estimator|system|tool|pipeline|service|api"
    r"|algorithm|solution|ai|bot|detector|engine)\b(?: (?:to|that|which|so that|must|should|will|can|has to"
    r"|needs to|is to|is supposed to|able to|capable of))+\b|(?:it|this|that|the model|the system"
    r"|the tool) (?:should|must|has to|needs to|will|can|shall|is to|is supposed to|would)(?: (?:be able to|then"
    r"|also))?\b|(?:we|i) (?:must|should|have to|need to|want to|can|could|will|would)\b|(?:using"
    r"|with) (?:machine learning|ml|ai|this data|the data|our data)\b)[\s,:]*",
    re.IGNORECASE,
)
SMALL_TALK: Final = re.compile(
    r"\b(?:how are you|how do you do|how's it going|what'?s up|who are you|what are you|what can you do"
    r"|what time is it|joke|poem|sing|story|recipe|weather (?:like|today)|(?:what|how)(?:'s| is"
    r"| will)? (?:be )?the weather|thank you|thanks|good ?bye|bye|see you|test test|lorem ipsum|hello world"
    r"|capital of|meaning of life|do you (?:love|like|speak)|are you)\b",
    re.IGNORECASE,
)
_TYPO_TARGETS: Final = (
    "predict", "predicts", "predicting", "prediction", "forecast", "forecasting", "classify", "classification",
    "estimate", "detect", "recognise", "recognize", "identify", "segment", "cluster", "whether", "customers",
    "customer", "without", "accuracy", "excluding", "ignore",
)  # fmt: skip
_REAL_WORDS: Final = word_set("""
    predictive predictor predictors predictable predicted classifier classified estimated estimator detector
    detection identified recognised recognized accurate exclusion defect defects defected detest weather segments
    clusters clutter product products detects classes reflect ignored
""")


_FAMILIES: Final = (
    "predict",
    "forecast",
    "classif",
    "estimat",
    "detect",
    "recogni",
    "identif",
    "segment",
    "cluster",
    "custom",
    "accura",
    "exclud",
)


def correct_typos(text: str) -> str:
    """`text` with words of command that are one slip away from the right spelling put right.

    >>> correct_typos("predcit which custumers leave")
    'predict which customers leave'
    >>> correct_typos("predict identity_hate")
    'predict identity_hate'
    """
    return re.sub(r"(?<!\w)[A-Za-z]{6,}(?!\w)", lambda match: _corrected(match[0]), text)


def _corrected(word: str) -> str:
    plain = word.casefold()
    if plain in _TYPO_TARGETS or plain in _REAL_WORDS:
        return word
    if plain.startswith(_FAMILIES):
        return word
    for target in _TYPO_TARGETS:
        limit = 2 if len(target) >= 9 else 1
        if (
            plain[0] == target[0]
            and abs(len(plain) - len(target)) <= 1
            and OSA.distance(plain, target, score_cutoff=limit) <= limit
        ):
            stems = {plain.rstrip("sd"), target.rstrip("sd")}
            return word if len(stems) == 1 else target
    return word


def strip_courtesy(sentence: str) -> str:
    """`sentence` from where it says something: greetings, wishes and "build a model that" left out.

    >>> strip_courtesy("Hi, could you please build me a model that predicts churn")
    'predicts churn'
    """
    while True:
        shorter = _COURTESY.sub("", sentence.strip(), count=1).strip(" ,:")
        if shorter == sentence:
            return sentence
        sentence = shorter


def find_verb(sentence: str) -> tuple[Verb, str, bool] | None:
    """The verb of `sentence`, what follows it, and whether the sentence begins with it; None when it has none.

    A verb in the middle counts after "to", "that", "and", ... ("a table of houses, and we want to predict the price").
    """
    match = _VERB.match(sentence)
    if match is not None:
        return _verb(match), sentence[match.end() :].strip(), True
    for match in _VERB.finditer(sentence):
        before = sentence[: match.start()]
        led = re.search(
            r"\b(?:to|that|which|and|can|will|please|must|could|would|should|for|of|by|me|us|by means of|with|,"
            r"|:)\s*$|[,:(]\s*$",
            before,
            re.IGNORECASE,
        )
        asked = re.match(r"\s+(?:which|what|if|whether|how|who|when)\b", sentence[match.end() :], re.IGNORECASE)
        meant = led is not None and (_verb(match) in _STRONG or _PREDICTS.match(match[0]))
        if asked is not None or meant:
            return _verb(match), sentence[match.end() :].strip(), False
    return None


def _verb(match: re.Match[str]) -> Verb:
    for name in _VERBS:
        if match[name] is not None:
            return name
    raise ValueError(match[0])
