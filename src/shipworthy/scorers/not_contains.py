"""The opposite of `contains`: hit by an answer of which it does not hold."""

from shipworthy.core.registry import scorer
from shipworthy.scorers._check import opposite
from shipworthy.scorers.contains import contains

not_contains = scorer(opposite(contains, __name__))
