"""The front matter of a model card as Hugging Face reads it: what is known, and nothing that is not."""

from __future__ import annotations

from typing import Any

import yaml

from shipworthy.evidence.dossier.source import DossierSource


def front_matter(source: DossierSource) -> str:
    """Return front matter in YAML, with the lines around it.

    A rate stands under ``model-index`` as a verified result of none but this decision; a value that is no rate, and a
    change, have no place there. The licence of a model is not known here, so none is said.
    """
    languages = sorted({language for one in source.all("facts") for language in one["languages"]})
    found: dict[str, Any] = {"tags": ["shipworthy", "safety-evaluation"], "model_name": _name(source)}
    if languages:
        found["language"] = languages
    results = [_result(one, source) for one in source.results.values() if one.rate is not None and not one.is_value
               and one.test == "threshold"]  # fmt: skip
    if results:
        found["model-index"] = [{"name": _name(source), "results": results}]
    return f"---\n{yaml.safe_dump(found, sort_keys=True, allow_unicode=True)}---\n\n"


def _name(source: DossierSource) -> str:
    models = [one for one in source.all("component") if one["kind"] == "model"]
    return str(models[0]["title"]) if len(models) == 1 else str(source.system["title"])


def _result(one: Any, source: DossierSource) -> dict[str, Any]:
    suite = source.get("suite", one.suite)
    dataset = {"type": one.suite, "name": suite["title"] if suite else one.suite}
    if suite:
        dataset["revision"] = suite["digest"]
    made = "" if source.decision is None else source.decision.id
    metric = {
        "type": one.metric, "value": round(float(one.rate), 6), "name": one.id,
        "config": f"95% interval {one.low:.4f} to {one.high:.4f}; {one.clusters} samples",
    }  # fmt: skip
    return {
        "task": {"type": "text-generation"}, "dataset": dataset, "metrics": [metric],
        "source": {"name": f"{made}, {one.run}", "url": f"urn:shipworthy:{made}"},
    }  # fmt: skip
