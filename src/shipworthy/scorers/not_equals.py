"""The opposite of `equals`: hit by an answer of which it does not hold."""

from shipworthy.core.registry import scorer
from shipworthy.scorers._check import opposite
from shipworthy.scorers.equals import equals

not_equals = scorer(opposite(equals, __name__))
