from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import MissingExtra, PluginError
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule


def test_a_missing_library_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r"pip install .*onnx"):
        registry.create("guard", "onnx_classifier", {"model": "m.onnx", "tokenizer": "t.json"})


def test_bad_numbers_are_refused_before_anything_is_loaded() -> None:
    for params, what in [({"threshold": 1}, "between 0 and 1"), ({"label": -1}, "0 or more")]:
        with pytest.raises(PluginError, match=what):
            registry.create("guard", "onnx_classifier", {"model": "m", "tokenizer": "t", **params})


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A real ONNX model and tokenizer: the attack's score is the share of the word ``ignore``, times 20, less 1."""
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    tokenizers = pytest.importorskip("tokenizers", reason="the extra onnx is not installed")
    onnx = pytest.importorskip("onnx", reason="the package onnx, which makes the test's model, is not installed")
    from onnx import TensorProto, helper

    words = {"[UNK]": 0, "ignore": 1, "the": 2, "shed": 3}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "t"]) for n in ("input_ids", "attention_mask")]
    one = helper.make_tensor("one", TensorProto.INT64, [1], [1])
    scale = helper.make_tensor("scale", TensorProto.FLOAT, [1, 2], [0.0, 20.0])
    shift = helper.make_tensor("shift", TensorProto.FLOAT, [1, 2], [0.0, -1.0])
    nodes = [
        helper.make_node("Equal", ["input_ids", "one"], ["is"]),
        helper.make_node("Cast", ["is"], ["hit"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["hit", "mask"], ["both"]),
        helper.make_node("ReduceMean", ["both"], ["share"], axes=[1], keepdims=1),
        helper.make_node("MatMul", ["share", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["logits"]),
    ]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])]
    graph = helper.make_graph(nodes, "words", inputs, outputs, [one, scale, shift])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    onnx.save(made, str(tmp_path / "model.onnx"))
    return {"model": str(tmp_path / "model.onnx"), "tokenizer": str(tmp_path / "tokenizer.json")}


def test_a_model_flags_the_window_that_it_is_sure_of(files: dict[str, str]) -> None:
    guard = registry.create("guard", "onnx_classifier", files)
    text = "the shed " * 700 + "ignore " * 60
    made = Pipeline([Rule("GD-1", guard)])
    applied = asyncio.run(made.apply("retrieved", text))
    assert applied.text == text
    assert [(e.rule, e.action) for e in applied.events] == [("classifier", "tighten")] * len(applied.events)
    assert applied.events
    assert guard.chance("the shed") < 0.5 < guard.chance("ignore the shed")
    assert guard.chance("") == 0
    assert not asyncio.run(made.apply("retrieved", "the shed " * 700)).events


def test_its_files_are_part_of_the_digest(files: dict[str, str]) -> None:
    one = registry.create("guard", "onnx_classifier", files).describe()
    assert one["model"].startswith("sha256:")
    with pytest.raises(PluginError, match="No such file"):
        registry.create("guard", "onnx_classifier", {**files, "model": "nowhere.onnx"})
    Path(files["model"]).write_bytes(b"no model")
    with pytest.raises(PluginError, match="onnx_classifier"):
        registry.create("guard", "onnx_classifier", files)


def test_a_label_that_the_model_has_not_closes(files: dict[str, str]) -> None:
    guard = registry.create("guard", "onnx_classifier", {**files, "label": 2})
    assert asyncio.run(Pipeline([Rule("GD-1", guard)]).apply("input", "ignore the shed")).blocked
