"""A program of HLO text: its computations and their instructions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from components.trainer.preflight.hlo.shapes import Shape, parse_shapes

_COMPUTATION = re.compile(r"^(?P<entry>ENTRY )?%?(?P<name>[\w.\-]+) .*\{$")
_INSTRUCTION = re.compile(r"^\s+(?P<root>ROOT )?%?(?P<name>[\w.\-]+) = (?P<rest>.*)$")
_OPCODE = re.compile(r"\s*(?P<opcode>[a-z][\w\-]*)\(")
_NAME = re.compile(r"%([\w.\-]+)")
_CALLED = re.compile(r"(?:calls|to_apply|body|condition|called_computations)=\{?%?([\w.\-]+)")
_OP_NAME = re.compile(r'op_name="([^"]*)"')


@dataclass(frozen=True)
class Instruction:
    """One line.

    Attributes:
      name: unique in the program.
      opcode: such as `"fusion"`.
      shapes: of what it gives; a tuple's one after the other.
      operands: the names of what it takes.
      attributes: what follows the operands, as it stands.
      op_name: of the TensorFlow operation that it was made for; empty if that is not told.
      is_root: whether it is what its computation gives.
    """

    name: str
    opcode: str
    shapes: tuple[Shape, ...]
    operands: tuple[str, ...]
    attributes: str
    op_name: str
    is_root: bool = False

    @property
    def called(self) -> list[str]:
        """The names of the computations that it calls."""
        return _CALLED.findall(self.attributes)


@dataclass(frozen=True)
class Program:
    """All of it.

    Attributes:
      computations: name -> its instructions by name, in order.
      entry: the name of the computation that is the program.
    """

    computations: dict[str, dict[str, Instruction]] = field(default_factory=dict)
    entry: str = ""

    @property
    def instructions(self) -> Iterator[Instruction]:
        """Those of all computations."""
        return (each for body in self.computations.values() for each in body.values())

    @property
    def parameters(self) -> list[Instruction]:
        """The arguments of the program, in order."""
        found = [i for i in self._entry_body.values() if i.opcode == "parameter"]
        return sorted(found, key=_parameter_number)

    @property
    def scheduled(self) -> list[Instruction]:
        """What the device runs one after the other: the entry's and the loops' instructions.

        What a fusion holds is no instruction of its own there.
        """
        names, found = [self.entry], []
        for name in names:
            for instruction in self.computations.get(name, {}).values():
                found.append(instruction)
                if instruction.opcode in ("while", "conditional", "call"):
                    names += [each for each in instruction.called if each not in names]
        return found

    def inside(self, instruction: Instruction) -> Iterator[Instruction]:
        """Returns an instruction and all that it calls, fusions in fusions, too."""
        yield instruction
        for name in instruction.called:
            for each in self.computations.get(name, {}).values():
                yield from self.inside(each)

    def operand_shapes(self, instruction: Instruction) -> list[Shape]:
        """Returns the shapes of what an instruction takes, of its own computation."""
        for body in self.computations.values():
            if body.get(instruction.name) is instruction:
                known = (body[name] for name in instruction.operands if name in body)
                return [shape for operand in known for shape in operand.shapes]
        return []

    @property
    def _entry_body(self) -> dict[str, Instruction]:
        return self.computations.get(self.entry, {})


def parse_program(text: str) -> Program:
    """Parses the text that XLA writes; lines that are none of its forms are passed over."""
    computations: dict[str, dict[str, Instruction]] = {}
    entry, body = "", None
    for line in text.splitlines():
        start = _COMPUTATION.match(line)
        if start:
            body = computations.setdefault(start["name"], {})
            entry = start["name"] if start["entry"] else entry
        elif line == "}":
            body = None
        elif body is not None and (match := _INSTRUCTION.match(line)):
            instruction = _parse_instruction(match)
            if instruction is not None:
                body[instruction.name] = instruction
    return Program(computations, entry)


def _parse_instruction(match: re.Match[str]) -> Instruction | None:
    rest = match["rest"]
    end = _matching_end(rest, 0) if rest.startswith("(") else rest.find(" ")
    opcode = _OPCODE.match(rest, end)
    if end < 0 or opcode is None:
        return None
    start = opcode.end() - 1
    stop = _matching_end(rest, start)
    attributes = rest[stop:]
    op_name = _OP_NAME.search(attributes)
    arguments = rest[start:stop]
    is_parameter = opcode["opcode"] == "parameter"
    return Instruction(
        name=match["name"],
        opcode=opcode["opcode"],
        shapes=parse_shapes(rest[:end]),
        operands=(arguments[1:-1],) if is_parameter else tuple(_NAME.findall(arguments)),
        attributes=attributes,
        op_name=op_name.group(1) if op_name else "",
        is_root=bool(match["root"]),
    )


def _matching_end(text: str, start: int) -> int:
    """The place behind the parenthesis that closes the one at `start`."""
    depth = 0
    for index in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index + 1
    return len(text)


def _parameter_number(instruction: Instruction) -> int:
    return int(instruction.operands[0])
