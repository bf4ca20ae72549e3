from tfx.types import channel, standard_artifacts

from components.transform.component import ClickLogTransform
from components.transform.config import TransformConfig
from schemas.click_log import ClickLog
from tests.components.transform.mixed_log import CLICK_LOG, CONFIG


def _step(click_log=CLICK_LOG, config=CONFIG):
    return ClickLogTransform(
        channel.Channel(type=standard_artifacts.Examples),
        channel.Channel(type=standard_artifacts.Schema),
        click_log,
        config,
    )


def test_settings_travel_as_canonical_json():
    properties = _step().exec_properties
    assert ClickLog.from_json(properties["click_log"]) == CLICK_LOG
    assert TransformConfig.from_json(properties["config"]) == CONFIG
    assert set(properties) == {"click_log", "config", "code_version"}


def test_outputs_are_typed():
    outputs = _step().outputs
    assert outputs["transform_graph"].type is standard_artifacts.TransformGraph
    assert outputs["transformed_examples"].type is standard_artifacts.Examples


def test_another_layout_or_treatment_is_another_execution():
    other_log = CLICK_LOG.model_copy(update={"missing_values": ("", "-")})
    other_config = TransformConfig(categorical={"hash_salt": 1})
    steps = [_step(), _step(click_log=other_log), _step(config=other_config)]
    assert len({str(sorted(step.exec_properties.items())) for step in steps}) == 3
