import pytest

from schemas.click_log import CategoricalColumn, DenseColumn
from schemas.schema_file import known_schemas, load_click_log, read_schema_file


def _read(tmp_path, text):
    path = tmp_path / "log.yaml"
    path.write_text(text)
    return read_schema_file(str(path))


def test_range_stands_for_its_names_in_number_order(tmp_path):
    text = "label: y\ncategorical:\n  C9..C11:\n  x:\n"
    names = [column["name"] for column in _read(tmp_path, text).click_log["categorical"]]
    assert names == ["C9", "C10", "C11", "x"]


def test_type_is_layout_and_the_other_fields_are_treatment(tmp_path):
    text = "label: y\ncategorical:\n  C1..C2: {type: hexadecimal, max_values: 9}\n"
    result = _read(tmp_path, text)
    assert result.click_log["categorical"] == [
        {"name": "C1", "type": "hexadecimal"},
        {"name": "C2", "type": "hexadecimal"},
    ]
    assert result.columns == {"C1": {"max_values": 9}, "C2": {"max_values": 9}}


def test_feature_without_fields_has_the_treatment_of_all(tmp_path):
    result = _read(tmp_path, "label: y\ndense: {age: }\ncategorical: {site: {type: text}}\n")
    assert result.columns == {}
    assert result.click_log["dense"] == [{"name": "age"}]


def test_label_may_be_a_name_or_a_column_with_its_smallest_click(tmp_path):
    short = _read(tmp_path, "label: y\ncategorical: {c: }\n").click_log["label"]
    assert short == {"column": "y"}
    text = "label: {column: stars, positive_from: 4}\ncategorical: {c: }\n"
    label = _read(tmp_path, text).click_log["label"]
    assert label == {"column": "stars", "positive_from": 4}


def test_columns_of_a_line_may_be_ranges_too(tmp_path):
    text = "label: y\ncolumns: [id, y, C1..C3]\ncategorical: {C1..C3: }\n"
    assert _read(tmp_path, text).click_log["columns"] == ["id", "y", "C1", "C2", "C3"]


def test_unknown_schema_names_the_known_ones():
    with pytest.raises(ValueError, match=r"schema 'crteo': expected one of .*criteo.* or a YAML"):
        read_schema_file("crteo")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label: [", "is not YAML"),
        ("- label", "expected fields"),
        ("", "expected fields"),
        ("label: y\ncategorical: [a, b]\n", "categorical: expected names"),
        ("label: y\ndense: age\n", "dense: expected names"),
        ("label: y\ncategorical: {c: hexadecimal}\n", r"categorical\.c: expected fields, received"),
    ],
)
def test_wrong_file_is_refused_by_its_path_and_what_is_wrong(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf"log\.yaml.*{message}"):
        _read(tmp_path, text)


def test_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "log.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ValueError, match=r"log\.yaml is not YAML"):
        read_schema_file(str(tmp_path / "log.yaml"))


def test_layout_that_does_not_fit_together_is_refused(tmp_path):
    (tmp_path / "log.yaml").write_text("label: y\ncategorical: {y: }\n")
    with pytest.raises(ValueError, match="named twice: y"):
        load_click_log(str(tmp_path / "log.yaml"))


def test_schemas_that_come_with_the_code_are_known():
    assert known_schemas() == ("avazu", "criteo", "movielens")


def test_criteo_is_forty_tab_separated_columns():
    log = load_click_log("criteo")
    assert (log.format, log.header, log.time_column) == ("tsv", False, None)
    assert len(log.text_columns) == 40
    assert log.text_columns[:2] == ("label", "I1")
    assert log.text_columns[13:15] == ("I13", "C1")
    assert log.text_columns[39] == "C26"
    assert {column.type for column in log.dense} == {"integer"}
    assert {column.type for column in log.categorical} == {"hexadecimal"}


def test_avazu_uses_all_columns_of_its_header_but_the_row_id():
    header = (
        "id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,"
        "app_category,device_id,device_ip,device_model,device_type,device_conn_type,"
        "C14,C15,C16,C17,C18,C19,C20,C21"
    )
    log = load_click_log("avazu")
    assert (log.format, log.header) == ("csv", True)
    assert (log.label.column, log.time_column) == ("click", "hour")
    assert log.label.positive_from is None
    assert log.dense == ()
    assert log.categorical == tuple(
        CategoricalColumn(name=name, type="text") for name in header.split(",")[3:]
    )


def test_movielens_takes_ratings_of_four_stars_for_clicks():
    log = load_click_log("movielens")
    assert (log.format, log.header) == ("csv", True)
    assert (log.label.column, log.label.positive_from) == ("rating", 4)
    assert log.time_column == "timestamp"
    assert log.dense_features == ()
    assert log.categorical_features == ("userId", "movieId")


def test_float_feature_is_read_as_such(tmp_path):
    (tmp_path / "log.yaml").write_text("label: y\ndense: {p: {type: float}}\ncategorical: {c: }\n")
    assert load_click_log(str(tmp_path / "log.yaml")).dense == (
        DenseColumn(name="p", type="float"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label: click\ncategorical:\n  city:\n  city: {}\n", "line 4: 'city' is there twice"),
        ("label: click\ncategorical:\n  on:\n", "line 3: it reads a name as True: quote it"),
        ("label: click\ncolumns: [click, no]\ncategorical:\n  a:\n", "a name as False: quote it"),
        ("label: click\ncategorical:\n  a1..a20000:\n", "at most 10,000 names"),
        ("label: click\ncategorical:\n  a: false\n", "expected fields, received False"),
    ],
)
def test_names_that_yaml_would_lose_are_refused(tmp_path, text, message):
    path = tmp_path / "log.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_schema_file(str(path))


def test_a_range_keeps_its_zeros_and_its_columns_stay_apart(tmp_path):
    path = tmp_path / "log.yaml"
    path.write_text("label: click\ncategorical:\n  C08..C10: {method: hash}\n")
    schema = read_schema_file(str(path))
    assert list(schema.columns) == ["C08", "C09", "C10"]
    schema.columns["C08"]["method"] = "vocabulary"
    assert schema.columns["C09"] == {"method": "hash"}
