from __future__ import annotations

import sys

import pytest

from shipworthy.agents.signature import ToolProblem
from shipworthy.agents.wasm import WasmFunction
from shipworthy.core.errors import MissingExtra, UsageError

MODULE = """
(module
  (memory (export "memory") 1)
  (global $count (mut i32) (i32.const 0))
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "count") (result i32)
    global.get $count i32.const 1 i32.add global.set $count global.get $count)
  (func (export "loop") (result i32) (loop br 0) i32.const 0)
  (func (export "divide") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))
"""


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "wasmtime", None)
    with pytest.raises(MissingExtra, match="wasm"):
        WasmFunction(MODULE, "add")


@pytest.fixture
def wasm():
    pytest.importorskip("wasmtime", reason="the extra 'wasm' is not installed here")


@pytest.mark.usefixtures("wasm")
def test_a_function_gives_a_number_and_remembers_nothing():
    assert WasmFunction(MODULE, "add")(2, 3) == 5
    count = WasmFunction(MODULE, "count")
    assert [count(), count(), count()] == [1, 1, 1]


@pytest.mark.usefixtures("wasm")
@pytest.mark.parametrize(("name", "numbers"), [("loop", ()), ("divide", (1, 0)), ("add", (1,)), ("add", ("a", 1))])
def test_a_call_that_cannot_end_well_is_a_problem_of_the_tool(name, numbers):
    with pytest.raises(ToolProblem, match=name):
        WasmFunction(MODULE, name, fuel=100_000)(*numbers)


@pytest.mark.usefixtures("wasm")
def test_memory_is_bounded():
    assert WasmFunction(MODULE, "grow")(10) == 1
    assert WasmFunction(MODULE, "grow")(1000) == -1


@pytest.mark.usefixtures("wasm")
@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        ("(module", "add", "no WebAssembly module"),
        (MODULE, "subtract", "exports no function 'subtract'"),
        (MODULE, "memory", "exports no function 'memory'"),
        ('(module (import "env" "reach_out" (func)))', "add", "imports 'reach_out'"),
    ],
)
def test_a_module_that_is_not_pure_is_refused(code, name, said):
    with pytest.raises(UsageError, match=said):
        WasmFunction(code, name)
