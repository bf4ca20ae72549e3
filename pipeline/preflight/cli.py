"""The command line of the preflight."""

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import InputError
from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.compile_process import DEFAULT_PYTHON
from components.trainer.preflight.config import PreflightConfig
from components.trainer.preflight.largest_batch import LARGEST_TRIED
from pipeline.config import PipelineConfig, make_config
from pipeline.console import Console, log_to_file, native_errors_to_file
from pipeline.load_config import known_presets, preset_values
from pipeline.startup import gc_paused

if TYPE_CHECKING:
    from components.preflight_result import PreflightResult

FAILED = 1
_USAGE = 2
_INTERRUPTED = 130
_LONGEST = 500  # characters of an error's message
_DEFAULT_CHIPS = "v5e"


def main(arguments: Sequence[str] | None = None) -> int:
    """Compiles the variants and prints what came of them.

    Returns:
      0 if all compile and fit; `FAILED` if one does not, or the preflight itself fails; 2 if the
      flags are wrong; 130 if interrupted.
    """
    flags = _parser().parse_args(arguments)
    # Both count when TensorFlow is first imported.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.captureWarnings(True)
    folder = flags.root or Path("runs") / flags.preset
    output = flags.output or folder / "preflight.json"
    log_path = output.with_suffix(".log")
    with Console() as console:
        try:
            config = _config(flags)
            _check_paths(flags)
            log_to_file(log_path)
            with native_errors_to_file(log_path):
                result = _run(config, flags, folder, output, console)
        except InputError as error:
            return _fail(console, str(error), _USAGE)
        except KeyboardInterrupt:
            return _fail(console, "interrupted", _INTERRUPTED)
        except Exception as error:
            logging.exception("the preflight failed")
            [*_, text] = traceback.format_exception_only(error)
            return _fail(console, f"{text.strip()[:_LONGEST]}\nfull log: {log_path}", FAILED)
        from pipeline.preflight.text import result_text

        console.say(f"\n{result_text(result)}\n\nresult  {output}")
    return 0 if all(cell.outcome == "compiles" for cell in result.cells) else FAILED


def _config(flags: argparse.Namespace) -> PipelineConfig:
    """Returns the configuration; as nothing is compared here, any variant does for a baseline."""
    values = preset_values(flags.preset, flags.variants, flags.set)
    values.setdefault("evaluator", {})["baseline"] = next(iter(values["variants"]))
    return make_config(values, f"preset {flags.preset}")


def _run(
    config: PipelineConfig, flags: argparse.Namespace, folder: Path, output: Path, console: Console
) -> "PreflightResult":
    """Checks one variant after the other; the file is written anew after each."""
    console.start_step("  loading TensorFlow")
    with gc_paused():
        from components.files import write_text
        from components.preflight_result import Model
        from components.trainer.preflight.check_all import check_all
        from pipeline.preflight.sizes import find_sizes

    sizes = find_sizes(flags.root, flags.vocabulary_sizes, folder)
    console.end_step(f"{sizes.total_rows:,} ids: {sizes.source}")
    trainers = config.trainers()
    model = Model(
        source=sizes.source,
        vocabulary_sizes=sizes.vocabulary_sizes,
        dense_width=sizes.dense_width,
        embedding_dim=max(trainer.embedding_dim for trainer in trainers.values()),
    )
    results = check_all(trainers, model, _limits(flags), flags.compiler)
    for name in trainers:
        console.start_step(f"  {name}")
        result = next(results)
        write_text(str(output), result.model_dump_json(indent=1) + "\n")
        found = [cell for cell in result.cells if cell.variant == name]
        console.end_step(", ".join(f"{c.chip} {c.outcome.replace('_', ' ')}" for c in found))
    return result


def _limits(flags: argparse.Namespace) -> PreflightConfig:
    return PreflightConfig(
        chips=flags.device,
        num_chips=flags.num_chips,
        spread=flags.spread,
        batch_size=flags.batch_size,
        max_batch_size=flags.max_batch_size,
        num_processes=flags.processes,
    )


def _check_paths(flags: argparse.Namespace) -> None:
    """Checks what was named before anything is made or loaded.

    Raises:
      InputError: if the run's folder or the compiler is missing.
    """
    if flags.root is not None and not flags.root.is_dir():
        raise InputError(f"--root: {flags.root} is not a folder")
    if not flags.compiler.exists():
        raise InputError(
            f"--compiler: expected a Python at {flags.compiler}; `make preflight` sets it up"
        )


def _fail(console: Console, message: str, status: int) -> int:
    console.say("")
    print(f"preflight: {message}", file=sys.stderr)
    return status


def _chips(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in CHIPS]
    if unknown or len(set(names)) < len(names):
        known = ", ".join(CHIPS)
        raise argparse.ArgumentTypeError(f"expected chips of {known}, each once; received {text!r}")
    return names


def _not_negative(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected an integer of 0 or more, received {text!r}")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected an integer of 1 or more, received {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.preflight",
        description="Compiles the train step of every variant for TPUs, without a TPU.",
    )
    add = parser.add_argument
    add("--preset", default="demo", metavar="NAME", help=f"one of {', '.join(known_presets())}")
    add(
        "--variants",
        type=lambda text: [name.strip() for name in text.split(",")],
        metavar="A,B,C",
        help="the preset's (default), methods, stacks of methods (A+B), or 'all'",
    )
    add("--set", action="append", default=[], metavar="SECTION.FIELD=VALUE", help="as of run_local")
    add(
        "--device",
        type=_chips,
        default=_DEFAULT_CHIPS,
        metavar="A,B,C",
        help=f"chips: {', '.join(CHIPS)} (default: {_DEFAULT_CHIPS})",
    )
    add("--num-chips", type=_positive, default=1, metavar="N", help="spread a step over so many")
    add(
        "--spread",
        choices=["batch", "rows"],
        default="batch",
        help="what lies in parts on several chips: the batch (default), or the tables' rows too",
    )
    add("--batch-size", type=_positive, default=2048, metavar="ROWS", help="(default: 2048)")
    add(
        "--max-batch-size",
        type=_not_negative,
        default=LARGEST_TRIED,
        metavar="ROWS",
        help=f"the largest batch that is tried (default: {LARGEST_TRIED:,}, one more compile where "
        "it fits); 0: no search",
    )
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="a run whose numbers of ids are taken (default: runs/PRESET, else those of the demo)",
    )
    sizes.add_argument(
        "--vocabulary-sizes",
        type=Path,
        metavar="FILE",
        help='numbers of ids as JSON: {"C1": 1000, ..., "dense_width": 13}',
    )
    add(
        "--processes",
        type=_positive,
        default=os.cpu_count(),
        metavar="N",
        help="compile for so many chips at the same time (default: the number of cores)",
    )
    add("--output", type=Path, metavar="FILE", help="(default: preflight.json in the run's folder)")
    add(
        "--compiler",
        type=Path,
        default=DEFAULT_PYTHON,
        metavar="PYTHON",
        help="the compiler's environment (default: .venv-preflight, made by `make preflight`)",
    )
    return parser
