"""The opposite of `contains_any`: hit by an answer of which it does not hold."""

from shipworthy.core.registry import scorer
from shipworthy.scorers._check import opposite
from shipworthy.scorers.contains_any import contains_any

not_contains_any = scorer(opposite(contains_any, __name__))
