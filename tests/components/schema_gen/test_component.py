import tensorflow_data_validation as tfdv
from tfx.types import standard_artifacts

from components.schema_gen.component import ClickLogSchemaGen
from components.schema_gen.executor import Executor
from components.schema_gen.schema import make_schema
from schemas.click_log import ClickLog
from schemas.criteo import CLICK_LOG


def test_executor_writes_a_schema_that_tfdv_loads(tmp_path):
    artifact = standard_artifacts.Schema()
    artifact.uri = str(tmp_path)
    properties = ClickLogSchemaGen(CLICK_LOG).exec_properties
    Executor().Do({}, {"schema": [artifact]}, properties)
    assert tfdv.load_schema_text(str(tmp_path / "schema.pbtxt")) == make_schema(CLICK_LOG)


def test_another_layout_is_another_execution_property():
    other = ClickLog.model_validate({"label": {"column": "y"}, "categorical": [{"name": "c"}]})
    steps = [ClickLogSchemaGen(log).exec_properties for log in (CLICK_LOG, other)]
    assert steps[0]["click_log"] != steps[1]["click_log"]
    assert ClickLog.from_json(steps[1]["click_log"]) == other
