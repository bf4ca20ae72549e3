"""The entry that TFX's Trainer calls. TFX reloads this module: keep it to one function."""

from tfx.components.trainer.fn_args_utils import FnArgs

from components.trainer.config import TrainerConfig
from components.trainer.train_and_export import train_and_export


def run_fn(fn_args: FnArgs) -> None:
    """Trains and exports one variant.

    Args:
      fn_args: TFX's arguments; `custom_config["config"]` is the canonical JSON of a
        `TrainerConfig`.
    """
    train_and_export(
        config=TrainerConfig.from_json(fn_args.custom_config["config"]),
        train_patterns=fn_args.train_files,
        eval_patterns=fn_args.eval_files,
        transform_graph_uri=fn_args.transform_graph_path,
        serving_model_dir=fn_args.serving_model_dir,
        model_run_dir=fn_args.model_run_dir,
    )
