"""The opposite of `length`: hit by an answer of which it does not hold."""

from shipworthy.core.registry import scorer
from shipworthy.scorers._check import opposite
from shipworthy.scorers.length import length

not_length = scorer(opposite(length, __name__))
