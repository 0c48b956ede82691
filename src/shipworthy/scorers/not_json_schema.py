"""The opposite of `json_schema`: hit by an answer of which it does not hold."""

from shipworthy.core.registry import scorer
from shipworthy.scorers._check import opposite
from shipworthy.scorers.json_schema import json_schema

not_json_schema = scorer(opposite(json_schema, __name__))
