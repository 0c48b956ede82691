"""The opposite of `regex`: hit by an answer of which it does not hold."""

from shipworthy.core.registry import scorer
from shipworthy.scorers._check import opposite
from shipworthy.scorers.regex import regex

not_regex = scorer(opposite(regex, __name__))
