"""Data sets of Hugging Face, saved by the library itself and read back as suites."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.workspace.imports.hugging_face import read_hugging_face_suite

datasets = pytest.importorskip("datasets", reason="the extra `hf` is not installed")
ROWS = {"question": ["What?", "Why?"], "answers": [["a"], ["b", "c"]], "level": [1, 2]}
FIELDS = {"prompt": "question", "expected": "answers"}


@pytest.fixture
def saved(tmp_path):
    one = datasets.Dataset.from_dict(ROWS)
    one.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"test": one, "train": one.select([1])}).save_to_disk(str(tmp_path / "both"))
    return tmp_path


def test_a_saved_data_set_becomes_samples(saved):
    found = read_hugging_face_suite(str(saved / "one"), FIELDS)
    assert found.samples[1] == {"id": "one-0002", "prompt": "Why?", "expected": ["b", "c"], "meta": {"level": 2}}
    assert len(read_hugging_face_suite(str(saved / "both"), FIELDS, split="train").samples) == 1


def test_a_split_a_field_and_a_folder_that_are_not_there(saved):
    for options, said in (({}, "has no split ''"), ({"split": "tset"}, "did you mean 'test'")):
        with pytest.raises(UsageError, match=said):
            read_hugging_face_suite(str(saved / "both"), FIELDS, **options)
    with pytest.raises(UsageError, match="one split already"):
        read_hugging_face_suite(str(saved / "one"), FIELDS, split="test")
    with pytest.raises(UsageError, match="cannot read the data set"):
        read_hugging_face_suite(str(saved / "none"), FIELDS)
    with pytest.raises(UsageError, match="--revision"):
        read_hugging_face_suite("org/name", FIELDS, hub=True)
    with pytest.raises(WorkspaceError) as caught:
        read_hugging_face_suite(str(saved / "one"), {"prompt": "qestion"})
    assert caught.value.problems[0][1:3] == (1, "field 'qestion': missing or empty")
