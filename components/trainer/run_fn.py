"""The entry that TFX's Trainer calls. TFX reloads this module: keep it to one function."""

import os

from tfx.components.trainer.fn_args_utils import FnArgs

from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import tuned_config
from components.trainer.train_and_export import train_and_export


def run_fn(fn_args: FnArgs) -> None:
    """Trains and exports one variant.

    Args:
      fn_args: TFX's arguments. `custom_config` has `config`, the canonical JSON of a
        `TrainerConfig`, `code_version`, and, where the step reads `hyperparameters`, `own_fields`:
        the fields that the variant sets itself, see `tuned_config`.

    Raises:
      InputError: as `tuned_config` and `train_and_export`.
    """
    custom = fn_args.custom_config
    config = TrainerConfig.from_json(custom["config"])
    if fn_args.hyperparameters:
        config = tuned_config(config, fn_args.hyperparameters, custom["own_fields"])
    # The next try of a step that was killed has another folder for its outputs, in the same one.
    step_uri = fn_args.model_run_dir.rsplit("/", 2)[0]
    train_and_export(
        config=config,
        train_patterns=fn_args.train_files,
        eval_patterns=fn_args.eval_files,
        transform_graph_uri=fn_args.transform_graph_path,
        serving_model_dir=fn_args.serving_model_dir,
        model_run_dir=fn_args.model_run_dir,
        checkpoints_root=os.path.join(step_uri, "unfinished"),
        code_version=custom["code_version"],
    )
