"""Arguments bound to what was read: ids and addresses, in the order of reading, and nothing else of the schema."""

from __future__ import annotations

from shipworthy.agents.copied import MOST, copied

TEXT = {"type": "string"}


def schema(**properties):
    return {"type": "object", "properties": properties, "required": [*properties]}


def test_ids_addresses_and_amounts_are_values_and_prose_is_not():
    bound = copied(schema(id=TEXT), ["id"], ["Pay 12.50 for M-3 to ada@example.org, soon.", "M-3 again"])
    assert bound["properties"]["id"]["enum"] == ["12.50", "M-3", "ada@example.org"]
    assert bound["required"] == ["id"]


def test_lists_are_bound_member_by_member_and_numbers_not_at_all():
    given = schema(to={"type": "array", "items": TEXT}, n={"type": "integer"}, role={"type": "string", "enum": ["a"]})
    bound = copied(given, ["to", "n", "role"], ["M-3"])["properties"]
    assert bound["to"]["items"]["enum"] == ["M-3"]
    assert (bound["n"], bound["role"]) == ({"type": "integer"}, {"type": "string", "enum": ["a"]})


def test_where_nothing_was_read_the_schema_stays():
    assert copied(schema(id=TEXT), ["id"], ["no value here"]) == schema(id=TEXT)


def test_other_texts_end():
    assert copied(schema(id=TEXT, body=TEXT), ["id"], ["M-3"], 80)["properties"]["body"] == TEXT | {"maxLength": 80}


def test_the_last_values_are_kept():
    values = [f"V-{n}" for n in range(MOST + 5)]
    assert copied(schema(id=TEXT), ["id"], values)["properties"]["id"]["enum"] == values[5:]


def test_a_schema_without_properties_stays():
    assert copied({"type": "object"}, ["id"], ["M-3"]) == {"type": "object"}
