"""The columns that a file names itself, against those that the log needs."""

from collections.abc import Sequence

from components.errors import InputError
from components.example_gen.layout import used_columns
from schemas.click_log import ClickLog

_MAX_SHOWN_NAMES = 100


def check_columns(path: str, names: Sequence[str], click_log: ClickLog) -> None:
    """Checks that each used column is there once.

    Args:
      path: the file, for the message.
      names: the columns of the file.
      click_log: the log.

    Raises:
      InputError: if one is absent or there twice.
    """
    wrong = [name for name in used_columns(click_log) if names.count(name) != 1]
    if not wrong:
        return
    shown = ", ".join(names[:_MAX_SHOWN_NAMES])
    if len(names) > _MAX_SHOWN_NAMES:
        shown += f" and {len(names) - _MAX_SHOWN_NAMES} more"
    problem = "twice" if wrong[0] in names else "not"
    raise InputError(
        f"{path}: the schema expects one column {wrong[0]!r}, the file has it {problem}; it has: "
        f"{shown}"
    )
