from pipeline.compare.changes import find_changes, flatten


def test_flat_names_are_dotted_and_in_order() -> None:
    nested = {"b": 2, "a": {"z": 1, "y": {"x": None}}}
    assert list(flatten(nested).items()) == [("a.y.x", None), ("a.z", 1), ("b", 2)]


def test_empty_records_and_plain_lists_are_values() -> None:
    nested = {"columns": {}, "top_mlp": [256, 64], "texts": []}
    assert flatten(nested) == nested


def test_a_list_of_named_records_counts_as_a_record() -> None:
    columns = [{"name": "C1", "type": "text"}, {"name": "C2", "type": "hexadecimal"}]
    expected = {"log.dense.C1.type": "text", "log.dense.C2.type": "hexadecimal"}
    assert flatten({"dense": columns}, "log") == expected


def test_changes_are_the_fields_whose_values_differ_in_name_order() -> None:
    changes = find_changes({"b": 1, "a": [1, 2], "same": "x"}, {"b": 2, "a": [1], "same": "x"})
    assert [(change.field, change.a, change.b) for change in changes] == [
        ("a", [1, 2], [1]),
        ("b", 1, 2),
    ]


def test_a_field_of_one_record_alone_is_null_in_the_other() -> None:
    changes = find_changes({"old": 1}, {"new": False})
    assert [(change.field, change.a, change.b) for change in changes] == [
        ("new", None, False),
        ("old", 1, None),
    ]


def test_a_missing_field_and_null_are_no_change() -> None:
    assert find_changes({}, {"clip": None}) == ()


def test_numbers_in_names_count_by_their_value() -> None:
    changes = find_changes({}, {"size.C10": 1, "size.C2": 1, "size.C1": 1, "size": 1})
    assert [c.field for c in changes] == ["size", "size.C1", "size.C2", "size.C10"]
