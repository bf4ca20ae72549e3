"""Short programs as the TPU compiler writes them."""

from components.trainer.preflight.findings.places import Places

MANIFEST = {
    "num_chips": 1,
    "arguments": [
        {"name": "ids", "kind": "input", "is_table": False},
        {"name": "stack", "kind": "variable", "is_table": True},
    ],
    "outputs": [{"name": "loss", "kind": "loss"}, {"name": "stack", "kind": "variable"}],
    "operations": {"update/Scatter": ["tables", "components/trainer/tables.py:10"]},
}
PLACES = Places(MANIFEST)

# A table of 100,000 x 16 numbers: turned to whole rows, scattered into, turned back.
SCATTER = """\
HloModule step, input_output_alias={ {1}: (1, {}, may-alias) }, entry_computation_layout={()->()}

%fused (param_0.1: f32[100000,16], param_1.1: s32[64], param_2.1: f32[64,16]) -> f32[100000,16] {
  %param_0.1 = f32[100000,16]{1,0:T(8,128)} parameter(0)
  %param_1.1 = s32[64]{0:T(128)} parameter(1)
  %param_2.1 = f32[64,16]{1,0:T(8,128)} parameter(2)
  ROOT %scatter.1 = f32[100000,16]{1,0:T(8,128)} scatter(%param_0.1, %param_1.1, %param_2.1), \
update_window_dims={1}, to_apply=%add, metadata={op_name="step/update/Scatter"}
}

ENTRY %main (ids: s32[64], stack: f32[100000,16]) -> (f32[], f32[100000,16]) {
  %ids = s32[64]{0:T(128)} parameter(0)
  %stack = f32[100000,16]{0,1:T(8,128)} parameter(1)
  %rows = f32[64,16]{1,0:T(8,128)} broadcast(%ids), dimensions={0}
  %loss = f32[]{:T(128)} reduce(%rows), dimensions={0,1}
  %copy.1 = f32[100000,16]{1,0:T(8,128)} copy(%stack), metadata={op_name="XLA_Args"}
  %fusion.1 = f32[100000,16]{1,0:T(8,128)} fusion(%copy.1, %ids, %rows), kind=kCustom, \
calls=%fused, metadata={op_name="step/update/Scatter"}
  %copy.2 = f32[100000,16]{0,1:T(8,128)} copy(%fusion.1)
  ROOT %tuple = (f32[], f32[100000,16]{0,1:T(8,128)}) tuple(%loss, %copy.2)
}
"""
ROWS_BYTES = 100000 * 128 * 4  # In whole rows 16 numbers take the place of 128.
COLUMNS_BYTES = 100096 * 16 * 4  # The other way 100,000 is filled up to 782 * 128.
REAL_BYTES = 100000 * 16 * 4


def entry(*lines: str) -> str:
    """A program of these lines."""
    body = "\n".join(f"  {line}" for line in lines)
    return f"HloModule m\n\nENTRY %main () -> f32[] {{\n{body}\n}}\n"
