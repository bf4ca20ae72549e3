"""The commands that tell what was run, and that run it again, as HTML."""

import json
import shlex
from collections.abc import Iterable
from html import escape
from typing import Any

from components.evaluator.comparison import Comparison
from components.evaluator.config import EvaluatorConfig
from components.evaluator.keys import model_key
from components.evaluator.report.findings import num_seeds

_PYTHON = ".venv/bin/python"


def reproduce(comparison: Comparison) -> str:
    """Returns the commands.

    The one that runs it again is that of the run. A comparison that does not know it gives one that
    follows from the configurations; what is not in them is the reader's to add.
    """
    run, found = comparison.lineage, comparison.lineage.artifact_ids
    ids = found.get(model_key(comparison.chosen, 0), ()) if comparison.chosen else ()
    ids = ids or next(iter(found.values()), ())
    differed = " (files of it were changed)" if run.has_local_changes else ""
    lines = [
        f"# In a checkout of {run.commit or 'the commit that was run'}{differed}:",
        "make setup",
        "# Which data, code, configuration and seeds were these?",
        f"{_PYTHON} -m pipeline.lineage --root ROOT runs",
    ]
    if ids:
        lines.append(f"{_PYTHON} -m pipeline.lineage --root ROOT trace {ids[0]}")
    command = f"{_PYTHON} {run.command}" if run.command else _likely_command(comparison)
    return escape("\n".join([*lines, "# The same again:", command]))


def reproduce_note(comparison: Comparison) -> str:
    """Returns what is to be known of the commands, as HTML."""
    note = "ROOT is the run's root folder; the first lineage command lists its runs."
    if comparison.lineage.command:
        return note
    return (
        f"{note} Add the run's --preset, --data, --schema and further --set yourself if they were "
        "given."
    )


def _likely_command(comparison: Comparison) -> str:
    """Returns the command that the configurations tell."""
    command = [f"{_PYTHON} run_local.py --root ROOT", *_variant_flags(comparison)]
    seeds = num_seeds(comparison)
    changes = [f"seeds={seeds}"] if seeds > 1 else []
    changes += _changes(comparison.config)
    command += [f"--set {shlex.quote(change)}" for change in changes]
    return " \\\n    ".join(command)


def _variant_flags(comparison: Comparison) -> list[str]:
    """Returns `--variants`, and a `--set` for what else a variant is known to be.

    A stack is named by its methods, which every preset knows, so its options are set too. A variant
    with a name of its own is set whole.
    """
    configs = {result.name: result.config for result in comparison.variants}
    shared = configs[comparison.baseline]
    names, sets = [], []
    for name, config in configs.items():
        embedding = config.get("embedding", {})
        methods = [method.strip() for method in embedding.get("method", name).split("+")]
        fields = {
            key: value
            for key, value in config.items()
            if key not in ("variant", "embedding")
            and any(other.get(key) != value for other in configs.values())
            and (methods != [name] or shared.get(key) != value)
        }
        if "_".join(methods) != name:
            sets.append(f"variants.{name}={json.dumps({'embedding': embedding, **fields})}")
            continue
        names.append("+".join(methods))
        if len(methods) > 1 and embedding.get("options"):
            fields["embedding.options"] = embedding["options"]
        sets += [f"variants.{name}.{key}={json.dumps(value)}" for key, value in fields.items()]
    names = names or list(configs)  # all have names of their own: their preset knows them
    flags = [f"--variants {shlex.quote(','.join(names))}"]
    return flags + [f"--set {shlex.quote(change)}" for change in sets]


def _changes(config: dict[str, Any]) -> Iterable[str]:
    """Yields what the comparing step was told other than its defaults."""
    defaults = EvaluatorConfig().model_dump(mode="json")
    for key, value in config.items():
        if key in defaults and defaults[key] != value:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"evaluator.{key}={text}"
