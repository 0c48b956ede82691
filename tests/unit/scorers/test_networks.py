"""Classifiers of the user's own over answers: what counts, in windows, and what is refused. On real ONNX models."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import MissingExtra, PluginError, ScorerError
from shipworthy.core.protocols import ScoreContext, Scorer
from shipworthy.core.records import Attempt, Document, Retrieved, Sample, Score, as_said, say

WORDS = ["[UNK]", "rude", "the", "shed", "opens", "at", "nine", "ten", ".", "I", "do", "not", "know"]
SAMPLE = Sample(id="SM-1", messages=(say("user", "When?"),))
DOCUMENTS = tuple(Document(id=f"D{n}", text=text) for n, text in enumerate(("the shed opens .", "at nine .")))


def judged(scorer: Scorer, text: str, documents: tuple[Document, ...] = ()) -> Score:
    """Score one answer; not by the shared fixture, since the nightly environment of the extra has no conftest."""
    said = as_said((*SAMPLE.messages, say("assistant", text)))
    attempt = Attempt(
        id="AT-1", suite="s", sample="SM-1", attack="none", number=1, cluster="c", seed=0, content_hash="",
        outcome="scored", events=(*(Retrieved(1, one) for one in documents), *said),
    )  # fmt: skip
    [score] = asyncio.run(scorer.score(attempt, SAMPLE, ScoreContext()))
    return score


def saved(folder: Path, nodes: list, constants: list, inputs: tuple[str, ...]) -> dict[str, str]:
    """Write a model with an output ``logits`` of two classes, and a tokenizer of a few words."""
    import onnx
    import tokenizers
    from onnx import TensorProto, helper

    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(single="$A:0", pair="$A:0 $B:1", special_tokens=[])
    made.save(str(folder / "tokenizer.json"))
    given = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"]) for name in inputs]
    told = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])]
    graph = helper.make_graph(nodes, "toy", given, told, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "model.onnx"))
    return {"model": str(folder / "model.onnx"), "tokenizer": str(folder / "tokenizer.json")}


@pytest.fixture
def rude(tmp_path: Path) -> dict[str, str]:
    """Its class 1 is sure where a word of the window is ``rude``."""
    for module in ("onnxruntime", "tokenizers", "onnx"):
        pytest.importorskip(module, reason="the extra onnx, or the package onnx that makes the model, is not installed")
    from onnx import TensorProto, helper

    constants = [
        helper.make_tensor("word", TensorProto.INT64, [1], [1]),
        helper.make_tensor("scale", TensorProto.FLOAT, [1, 2], [0.0, 20.0]),
        helper.make_tensor("shift", TensorProto.FLOAT, [1, 2], [0.0, -10.0]),
    ]
    nodes = [
        helper.make_node("Equal", ["input_ids", "word"], ["is"]),
        helper.make_node("Cast", ["is"], ["hit"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["hit", "mask"], ["both"]),
        helper.make_node("ReduceMax", ["both"], ["any"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["any", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["logits"]),
    ]
    return saved(tmp_path, nodes, constants, ("input_ids", "attention_mask"))


@pytest.fixture
def follows(tmp_path: Path) -> dict[str, str]:
    """Its class 0 is sure where every word of the second text is in the first one."""
    for module in ("onnxruntime", "tokenizers", "onnx"):
        pytest.importorskip(module, reason="the extra onnx, or the package onnx that makes the model, is not installed")
    from onnx import TensorProto, helper

    constants = [
        helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("second", TensorProto.INT64, [1], [2]),
        helper.make_tensor("first", TensorProto.INT64, [1], [1]),
        helper.make_tensor("scale", TensorProto.FLOAT, [1, 2], [40.0, 0.0]),
        helper.make_tensor("shift", TensorProto.FLOAT, [1, 2], [-39.0, 0.0]),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["input_ids", "second"], ["down"]),
        helper.make_node("Unsqueeze", ["input_ids", "first"], ["across"]),
        helper.make_node("Equal", ["down", "across"], ["same"]),
        helper.make_node("Cast", ["same"], ["equal"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["token_type_ids"], ["types"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one", "types"], ["not_types"]),
        helper.make_node("Mul", ["not_types", "mask"], ["premise"]),
        helper.make_node("Mul", ["types", "mask"], ["hypothesis"]),
        helper.make_node("Unsqueeze", ["premise", "first"], ["there"]),
        helper.make_node("Mul", ["equal", "there"], ["held"]),
        helper.make_node("ReduceMax", ["held"], ["found"], axes=[2], keepdims=0),
        helper.make_node("Mul", ["found", "hypothesis"], ["carried"]),
        helper.make_node("ReduceSum", ["carried", "first"], ["sum"], keepdims=1),
        helper.make_node("ReduceSum", ["hypothesis", "first"], ["all"], keepdims=1),
        helper.make_node("Div", ["sum", "all"], ["share"]),
        helper.make_node("MatMul", ["share", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["logits"]),
    ]
    return saved(tmp_path, nodes, constants, ("input_ids", "attention_mask", "token_type_ids"))


def test_a_missing_library_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    for name, more in (("classifier", {}), ("entailment", {"entailment": 0})):
        with pytest.raises(MissingExtra, match=r"pip install .*onnx"):
            registry.create("scorer", name, {"model": "m.onnx", "tokenizer": "t.json", **more})


def test_bad_parameters_are_refused() -> None:
    files = {"model": "m.onnx", "tokenizer": "t.json"}
    for name, params, told in (
        ("classifier", {"threshold": 0}, r"threshold must lie in \(0, 1\)"),
        ("classifier", {"label": -1}, "0 or more"),
        ("classifier", {"good": "best"}, "good is low or high"),
        ("entailment", {"entailment": True}, "0 or more"),
        ("entailment", {"entailment": 0, "threshold": 2}, "threshold must lie"),
    ):
        with pytest.raises(PluginError, match=told):
            registry.create("scorer", name, {**files, **params})


def test_a_classifier_reads_every_window(rude) -> None:
    scorer = registry.create("scorer", "classifier", {**rude, "metric": "rude"})
    late = judged(scorer, "the shed " * 900 + "rude")
    assert (late.metric, late.hit, late.label) == ("rude", True, "hit")
    assert late.confidence is not None and late.confidence > 0.99
    none = judged(scorer, "the shed opens")
    assert (none.hit, none.label) == (False, "none")
    silent = judged(scorer, "")
    assert (silent.hit, silent.label) == (None, "empty")
    with pytest.raises(ScorerError, match="with a class 2"):
        judged(registry.create("scorer", "classifier", {**rude, "label": 2}), "the shed")


def test_a_sentence_follows_from_one_document_or_is_unsupported(follows) -> None:
    scorer = registry.create("scorer", "entailment", {**follows, "entailment": 0})
    held = judged(scorer, "the shed opens. at nine.", DOCUMENTS)
    made_up = judged(scorer, "the shed opens. at ten.", DOCUMENTS)
    assert (held.metric, held.hit, held.label) == ("unsupported", False, "supported")
    assert (made_up.hit, made_up.label, made_up.reason) == (
        True,
        "unsupported",
        "sentence 2 of 2 follows from no document",
    )
    # Both words are there, in two documents: neither says it.
    across = judged(scorer, "the shed opens at nine", DOCUMENTS)
    assert across.hit is True


def test_no_document_is_an_error_and_abstaining_is_none(follows) -> None:
    scorer = registry.create("scorer", "entailment", {**follows, "entailment": 0})
    with pytest.raises(ScorerError, match="no document"):
        judged(scorer, "the shed opens")
    abstained = judged(scorer, "I do not know.", DOCUMENTS)
    assert (abstained.hit, abstained.label) == (False, "abstained")
    many = "the shed opens. " * 1500
    too_much = judged(scorer, many, DOCUMENTS)
    assert (too_much.hit, too_much.label) == (None, "cannot_judge")
