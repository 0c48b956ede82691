"""Pure functions as WebAssembly: numbers in, a number out, and no way to anything else at all."""

from __future__ import annotations

from shipworthy.agents.signature import ToolProblem
from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require


class WasmFunction:
    """One exported function of a module. Every call has a memory of its own: nothing is left from the last one.

    Args:
        code: the module, as bytes or in the text format.
        name: of the function.
        fuel: about one unit an instruction; a call that uses it up ends.
        memory_mb: that the module may have.

    Raises:
        MissingExtra: the extra `wasm` is not installed.
        UsageError: it is no module, exports no such function, or imports anything: then it would not be pure.
    """

    def __init__(self, code: bytes | str, name: str, *, fuel: int = 10_000_000, memory_mb: int = 16) -> None:
        self._wasm = wasm = require("wasmtime", extra="wasm")
        self._name, self._fuel, self._memory = name, fuel, memory_mb << 20
        config = wasm.Config()
        config.consume_fuel = True
        self._engine = wasm.Engine(config)
        try:
            self._module = wasm.Module(self._engine, wasm.wat2wasm(code) if isinstance(code, str) else code)
        except wasm.WasmtimeError as error:
            raise UsageError(f"this is no WebAssembly module: {str(error).splitlines()[0]}") from None
        if imported := [one.name for one in self._module.imports]:
            raise UsageError(f"a pure function imports nothing, and this module imports {imported[0]!r}")
        kinds = {one.name: one.type for one in self._module.exports}
        if not isinstance(kinds.get(name), wasm.FuncType):
            raise UsageError(f"the module exports no function {name!r}")

    def __call__(self, *numbers: float) -> float:
        """Return what the function gives.

        Raises:
            ToolProblem: it trapped, used up its fuel or memory, or takes other arguments.
        """
        wasm = self._wasm
        store = wasm.Store(self._engine)
        store.set_fuel(self._fuel)
        store.set_limits(memory_size=self._memory)
        try:
            instance = wasm.Instance(store, self._module, [])
            given: float = instance.exports(store)[self._name](store, *numbers)
        except (wasm.WasmtimeError, wasm.Trap, TypeError, ValueError, OverflowError) as error:
            raise ToolProblem(f"The function {self._name} ended: {str(error).splitlines()[-1].strip()}") from None
        return given
