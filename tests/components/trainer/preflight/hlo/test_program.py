from components.trainer.preflight.hlo.program import parse_program

TEXT = """\
HloModule step, is_scheduled=true, entry_computation_layout={(f32[8,4]{1,0})->f32[8,4]{1,0}}

%fused (param_0: f32[8,4]) -> f32[8,4] {
  %param_0 = f32[8,4]{1,0} parameter(0)
  ROOT %negate.1 = f32[8,4]{1,0} negate(%param_0), metadata={op_name="Neg"}
}

%body (carried: (s32[], f32[8,4])) -> (s32[], f32[8,4]) {
  %carried = (s32[], f32[8,4]{1,0}) parameter(0)
  ROOT %looped = (s32[], f32[8,4]{1,0}) copy(%carried)
}

ENTRY %main.5 (b: f32[2], a: f32[8,4]) -> f32[8,4] {
  %b = f32[2]{0} parameter(1), metadata={op_name="XLA_Args"}
  %a = f32[8,4]{1,0} parameter(0), sharding={replicated}
  %start = ((f32[8,4]{1,0}), f32[8,4]{1,0:S(1)}, s32[]{:S(2)}) async-start(%a, %b), calls=%fused
  %loop = (s32[], f32[8,4]{1,0}) while(%start), condition=%cond, body=%body
  ROOT %fusion.2 = f32[8,4]{1,0} fusion(%a), kind=kLoop, calls=%fused, \
metadata={op_name="step/Neg" source_file="x.py"}
}
"""


def test_parameters_come_in_the_order_of_their_numbers():
    assert [each.name for each in parse_program(TEXT).parameters] == ["a", "b"]


def test_instruction_has_shapes_operands_and_operation():
    fusion = parse_program(TEXT).computations["main.5"]["fusion.2"]
    assert fusion.opcode == "fusion"
    assert [str(shape) for shape in fusion.shapes] == ["f32[8,4]"]
    assert fusion.operands == ("a",)
    assert fusion.op_name == "step/Neg"
    assert fusion.is_root


def test_tuple_shaped_instruction_is_parsed():
    start = parse_program(TEXT).computations["main.5"]["start"]
    assert start.opcode == "async-start"
    assert [shape.memory_space for shape in start.shapes] == [0, 1, 2]
    assert start.operands == ("a", "b")


def test_scheduled_instructions_are_those_of_entry_and_loops_and_not_of_fusions():
    names = {each.name for each in parse_program(TEXT).scheduled}
    assert "looped" in names
    assert "fusion.2" in names
    assert "negate.1" not in names


def test_inside_a_fusion_are_its_instructions():
    program = parse_program(TEXT)
    fusion = program.computations["main.5"]["fusion.2"]
    assert [i.opcode for i in program.inside(fusion)] == ["fusion", "parameter", "negate"]


def test_operand_shapes_are_those_of_the_operands():
    program = parse_program(TEXT)
    shapes = program.operand_shapes(program.computations["main.5"]["start"])
    assert [str(shape) for shape in shapes] == ["f32[8,4]", "f32[2]"]


def test_text_of_another_kind_gives_an_empty_program():
    program = parse_program("no program at all\n")
    assert list(program.instructions) == []
    assert program.parameters == []
