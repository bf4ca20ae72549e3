"""What `docker build` would do with the Dockerfile, as far as a machine without it can do that."""

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath

PROJECT = Path(__file__).parents[1]


def is_in_context(path: str, patterns: list[str]) -> bool:
    """Whether a file goes into the build, by the rules of `.dockerignore`.

    The last pattern that matches the file or a folder above it decides; `!` takes it in again.
    """
    parts = PurePosixPath(path).parts
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    ignored = False
    for pattern in patterns:
        expression = _expression(pattern.removeprefix("!"))
        if any(expression.fullmatch(each) for each in above):
            ignored = not pattern.startswith("!")
    return not ignored


def read_ignore_patterns() -> list[str]:
    """Returns the lines of `.dockerignore` that say something."""
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def sources() -> list[str]:
    """Returns the files of the checkout that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.splitlines() if (PROJECT / name).is_file()]


def read_stage(name: str) -> list[tuple[str, str]]:
    """Returns the instructions of one stage of the Dockerfile, such as `("RUN", "make setup")`."""
    text = (PROJECT / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    stage, instructions = "", []
    for line in joined.splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "FROM":
            stage = rest.partition(" AS ")[2].strip()
        elif keyword and stage == name:
            instructions.append((keyword, " ".join(rest.split())))
    return instructions


def install(context: Path, environment: Path) -> None:
    """Does what the stage `build` does, in a folder and a virtual environment of this machine.

    Installing the compiler is left out.

    Args:
      context: an empty folder that stands for the stage's working directory.
      environment: that stands for `/opt/dlrm`.
    """
    for keyword, rest in read_stage("build"):
        if keyword == "COPY":
            _copy(rest.split()[:-1], context)
        elif keyword == "RUN" and not rest.startswith("apt-get"):
            command = rest.replace("/opt/dlrm", str(environment))
            subprocess.run(command, shell=True, cwd=context, check=True)


def _copy(names: list[str], context: Path) -> None:
    patterns = read_ignore_patterns()
    for name in sources():
        if (names == ["."] or name in names) and is_in_context(name, patterns):
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, context / name)


def _expression(pattern: str) -> re.Pattern[str]:
    """`*` is any part of a name, `**` any number of folders."""
    pieces = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile(re.sub(r"\*\*/|\*|.", lambda m: pieces.get(m[0], re.escape(m[0])), pattern))
