"""Content addresses: canonical form, and the Merkle tree against RFC 6962's own recursive definition."""

from __future__ import annotations

from hashlib import sha256

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from shipworthy.core.digests import MerkleTree, bytes_digest, canonical, digest, file_digest, leaf_hash, merkle_root

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), json_values, max_size=5))
def test_order_of_keys_does_not_matter(value):
    assert digest(value) == digest(dict(reversed(value.items())))


def test_known_canonical_form():
    assert canonical({"b": [1.0, 1e21, "é"], "a": None}) == '{"a":null,"b":[1,1e+21,"é"]}'.encode()


@given(json_values | st.floats(allow_nan=False, allow_infinity=False) | st.tuples(json_values, json_values))
@example({"\U0001f600": 1, "\ufb33": 2})  # in order of UTF-16 units, which is not that of code points
@example(['\x7f\x1f\u2028"\\/', -0.0, 1.0, 10**15, 2**53 - 1, True])
def test_the_short_way_and_the_whole_way_write_the_same(value):
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**60, 2**53, -(2**53), "\ud800", {"\ud800": 1}, {1: 2}, {"a": b"x"}, [object()]],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError):
        digest(value)


def rfc6962(leaves):
    """Section 2.1, word for word: split at the largest power of two below n."""
    if len(leaves) == 1:
        return sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\1" + rfc6962(leaves[:split]) + rfc6962(leaves[split:])).digest()


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40))
def test_merkle_root_is_rfc_6962s(leaves):
    assert merkle_root(leaves) == "sha256:" + rfc6962(leaves).hex()


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=70))
def test_a_growing_tree_has_every_prefix_as_its_root(leaves):
    tree = MerkleTree()
    for count, leaf in enumerate(leaves, 1):
        tree.add(leaf_hash(leaf))
        assert tree.root == tree.root == "sha256:" + rfc6962(leaves[:count]).hex()
        assert len(tree) == count
        assert len(tree._full) == count.bit_count() <= 7  # it keeps a hash a level


def test_merkle_root_of_nothing():
    assert merkle_root([]) == MerkleTree().root == "sha256:" + sha256(b"").hexdigest()


def test_a_file_and_its_bytes_agree(tmp_path):
    (tmp_path / "f").write_bytes(b"x" * 3_000_000)
    assert file_digest(tmp_path / "f") == bytes_digest(b"x" * 3_000_000)
