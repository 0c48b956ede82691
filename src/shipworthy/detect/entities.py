"""Names, places and other named entities in a text, by Presidio and a spaCy model: what no pattern finds.

Both come with the extra ``presidio``; the spaCy model is the user's to install. Nothing is fetched: a model that is
not there is an error, and entities whose recognizers ask the network are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from threading import Lock
from typing import Any

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.extras import require
from shipworthy.detect.spans import Span

KINDS = {"PERSON": "name", "LOCATION": "location", "NRP": "nationality", "ORGANIZATION": "organization"}
"""Our words for Presidio's entities; others are given in lower case."""

DEFAULT = ("PERSON", "LOCATION", "NRP")
ASKING = ("EMAIL_ADDRESS", "URL")
"""Entities whose recognizers fetch a list of domains when they are first used; our own patterns find addresses."""


class NamedEntities:
    """Presidio's analyzer on a spaCy model.

    Args:
        model: name or path of an installed spaCy model.
        entities: Presidio's names of what is looked for.
        threshold: Presidio's score from which a finding counts, in (0, 1].
        language: of the model, as Presidio names it.

    Attributes:
        description: JSON with all that changes what is found.

    Raises:
        PluginError: no such model is installed, or no such entity is known.
        MissingExtra: Presidio is not installed.
    """

    def __init__(
        self, model: str, entities: Sequence[str] = DEFAULT, threshold: float = 0.4, language: str = "en"
    ) -> None:
        analyzer = require("presidio_analyzer", extra="presidio", package="presidio-analyzer")
        provider = require("presidio_analyzer.nlp_engine", extra="presidio", package="presidio-analyzer")
        spacy = require("spacy", extra="presidio")
        for name in entities:
            if name in ASKING:
                raise PluginError(
                    f"engine 'presidio': {name} is not looked for: Presidio fetches a list of domains for it, and our"
                    " own patterns find e-mail addresses"
                )
        try:
            loaded = spacy.load(model)  # here and not by Presidio, which downloads what it does not find
        except (OSError, ImportError, ValueError) as error:
            raise PluginError(
                f"engine 'presidio': there is no spaCy model {model!r} here ({type(error).__name__}): install one, such"
                " as en_core_web_sm, and name it with 'model'"
            ) from None
        engine = provider.SpacyNlpEngine(models=[{"lang_code": language, "model_name": model}])
        engine.nlp = {language: loaded}
        self._analyzer = analyzer.AnalyzerEngine(nlp_engine=engine, supported_languages=[language])
        known = self._analyzer.get_supported_entities(language)
        for name in entities:
            if name not in known:
                raise PluginError(f"engine 'presidio' knows no entity {name!r}: {did_you_mean(name, known)}")
        self._entities, self._threshold, self._language = list(entities), threshold, language
        self._one = Lock()
        meta: dict[str, Any] = loaded.meta
        self.description = {
            "presidio": version("presidio-analyzer"),
            "spacy": version("spacy"),
            "model": f"{meta.get('lang')}_{meta.get('name')} {meta.get('version')}",
            "entities": sorted(entities),
            "threshold": threshold,
            "language": language,
        }

    def find(self, text: str) -> list[Span]:
        """Return the entities in a text, in order; those that overlap, too."""
        with self._one:  # a spaCy pipeline shares its vocabulary among calls
            found = self._analyzer.analyze(
                text=text, language=self._language, entities=self._entities, score_threshold=self._threshold
            )
        spans = (Span(f.start, f.end, KINDS.get(f.entity_type, f.entity_type.lower())) for f in found)
        return sorted(span for span in spans if 0 <= span.start < span.end <= len(text))
