"""A transformer in an ONNX file with its tokenizer: a text in, an array for each window of it out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.core.errors import PluginError
from shipworthy.core.extras import require

_BATCH = 8
_INPUTS = (("input_ids", "ids"), ("attention_mask", "attention_mask"), ("token_type_ids", "type_ids"))


class TextWindow(NamedTuple):
    """One window: characters [start, end) of the text, of its tokens the mask, and what the model gives for it."""

    start: int
    end: int
    mask: NDArray[np.int64]
    output: NDArray[np.float64]


class TextModel(NamedTuple):
    """Where a model lies and how it is fed.

    Attributes:
        model: path of the .onnx file.
        tokenizer: path of its ``tokenizer.json``, or of a vocabulary of word pieces, one a line, lower case (``.txt``,
            as BERT has it).
        length: tokens of a window; the next begins `stride` tokens before its end.
        threads: of the computation; 0 for as many as there are cores.
    """

    model: str
    tokenizer: str
    length: int = 512
    stride: int = 256
    threads: int = 0


class OnnxText:
    """A model that takes ``input_ids``, ``attention_mask`` and, if it has that input, ``token_type_ids``.

    It runs on the CPU, in this process.

    Args:
        files: see `TextModel`.
        whose: names the plug-in in errors.
        extra: the extra of shipworthy that brings the libraries.

    Raises:
        MissingExtra: onnxruntime or tokenizers is not installed.
        PluginError: a file that is not there or cannot be read as what it is.
    """

    def __init__(self, files: TextModel, *, whose: str, extra: str) -> None:
        runtime = require("onnxruntime", extra=extra)
        tokenizers = require("tokenizers", extra=extra)
        self.digests = {
            name: _digest(path, whose) for name, path in (("model", files.model), ("tokenizer", files.tokenizer))
        }
        options = runtime.SessionOptions()
        options.intra_op_num_threads = files.threads
        try:
            self._session = runtime.InferenceSession(files.model, options, providers=["CPUExecutionProvider"])
            self._tokenizer = _tokenizer(tokenizers, files.tokenizer)
        except Exception as error:  # each library raises its own
            raise PluginError(f"{whose}: {files.model}, {files.tokenizer}: {type(error).__name__}: {error}") from None
        self._tokenizer.enable_truncation(files.length, stride=files.stride, strategy="only_first")
        self._tokenizer.enable_padding()
        self._inputs = [given.name for given in self._session.get_inputs()]
        if unknown := set(self._inputs) - {name for name, _ in _INPUTS}:
            raise PluginError(f"{whose}: {files.model} wants {', '.join(sorted(unknown))}: export it without")

    def windows(self, text: str, pair: str | None = None) -> Iterator[TextWindow]:
        """Yield the windows of a text that have a token of it, in order.

        Args:
            pair: a second text that stands behind each window of the first, as in entailment.
        """
        whole = self._tokenizer.encode(text) if pair is None else self._tokenizer.encode(text, pair)
        pieces = [whole, *whole.overflowing]
        for first in range(0, len(pieces), _BATCH):
            batch = pieces[first : first + _BATCH]
            longest = max(len(piece.ids) for piece in batch)
            fed = {
                name: np.array([getattr(p, field) + [0] * (longest - len(p.ids)) for p in batch], dtype=np.int64)
                for name, field in _INPUTS
                if name in self._inputs
            }
            given = np.asarray(self._session.run(None, fed)[0], dtype=np.float64)
            for number, piece in enumerate(batch):
                own = zip(piece.offsets, piece.sequence_ids, strict=True)
                places = [span for span, sequence in own if sequence == 0 and span[0] < span[1]]
                if places:
                    mask = np.array(piece.attention_mask, dtype=np.int64)
                    yield TextWindow(
                        min(a for a, _ in places), max(b for _, b in places), mask, given[number]
                    )  # fmt: skip


def open_text(files: TextModel, *, whose: str, extra: str) -> OnnxText:
    """Return a model, the same object as long as its files are the same.

    Raises:
        MissingExtra, PluginError: as for `OnnxText`.
    """
    return _opened(files, (_state(files.model), _state(files.tokenizer)), whose, extra)


@lru_cache(maxsize=8)
def _opened(files: TextModel, states: object, whose: str, extra: str) -> OnnxText:
    return OnnxText(files, whose=whose, extra=extra)


def _state(path: str) -> tuple[int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _tokenizer(tokenizers: Any, path: str) -> Any:
    if not path.endswith(".txt"):
        return tokenizers.Tokenizer.from_file(path)
    pieces = Path(path).read_text("utf-8").split("\n")
    vocabulary = {piece: number for number, piece in enumerate(pieces) if piece}
    return tokenizers.BertWordPieceTokenizer(vocabulary, lowercase=True)


def _digest(path: str, whose: str) -> str:
    try:
        with Path(path).open("rb") as file:
            state = sha256()
            while block := file.read(1 << 20):
                state.update(block)
    except OSError as error:
        raise PluginError(f"{whose}: {path}: {error.strerror or error}") from None
    return f"sha256:{state.hexdigest()}"
