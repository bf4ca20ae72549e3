"""The TPU compiler, through interfaces of JAX that are private: all of them are used here alone.

They change from release to release, so versions are pinned (`requirements-preflight.txt`) and
checked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

EXPECTED_VERSIONS = {"jax": "0.10.2", "libtpu": "0.0.51"}
_MEMORY_FIELDS = {
    "arguments_bytes": "argument_size_in_bytes",
    "outputs_bytes": "output_size_in_bytes",
    "aliased_bytes": "alias_size_in_bytes",
    "temporaries_bytes": "temp_size_in_bytes",
    "code_bytes": "generated_code_size_in_bytes",
}
_COST_FIELDS = {"flops": "flops", "bytes_accessed": "bytes accessed"}


class WrongEnvironmentError(RuntimeError):
    """Another JAX or libtpu is installed than this module was written for, or none."""


class RefusedError(RuntimeError):
    """The compiler does not compile the program; the message is its own."""


@dataclass(frozen=True)
class Compiled:
    """What the compiler says of an executable.

    Attributes:
      memory: `arguments_bytes`, `outputs_bytes`, `aliased_bytes`, `temporaries_bytes` and
        `code_bytes` of one device's memory.
      cost: `flops` and `bytes_accessed`, as far as it counts them. Its `optimal_seconds` is left
        out: it was seen negative.
    """

    memory: dict[str, int]
    cost: dict[str, float]


def installed_versions() -> dict[str, str]:
    """Returns the versions of `EXPECTED_VERSIONS` that are installed; `"none"` if one is not."""
    found = {}
    for name in EXPECTED_VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def check_versions() -> None:
    """Checks the environment before anything private is touched.

    Raises:
      WrongEnvironmentError: if a version is not the expected one.
    """
    found = installed_versions()
    if found != EXPECTED_VERSIONS:
        expected, received = (
            " and ".join(f"{name} {version}" for name, version in versions.items())
            for versions in (EXPECTED_VERSIONS, found)
        )
        raise WrongEnvironmentError(
            f"expected {expected}, found {received}: `make preflight` sets the environment up"
        )


def compile_program(program: bytes, topology_name: str, num_devices: int) -> Compiled:
    """Compiles a program for devices that are not there.

    Args:
      program: a serialized `HloModuleProto`.
      topology_name: such as `"v5e:2x2"`.
      num_devices: over how many devices the program is partitioned, 1 or more.

    Raises:
      RefusedError: if the compiler refuses it.
    """
    check_versions()
    import numpy as np
    from jax._src import compiler
    from jax._src.lib import _jax, xla_client
    from jax.experimental import topologies

    topology = topologies.get_topology_desc(platform="tpu", topology_name=topology_name)
    devices = topology.devices[:num_devices]
    if len(devices) < num_devices:
        raise RefusedError(f"{topology_name} has {len(devices)} devices, expected {num_devices}")
    options = compiler.get_compile_options(
        num_replicas=1,
        num_partitions=num_devices,
        device_assignment=np.array([[device.id for device in devices]]),
    )
    # TensorFlow's annotations are GSPMD's; JAX's own programs have Shardy's.
    options.executable_build_options.use_shardy_partitioner = False
    try:
        module = to_module(program)
        executable = devices[0].client.compile(module, _jax.DeviceList(tuple(devices)), options)
        memory, cost = executable.get_compiled_memory_stats(), executable.cost_analysis()
    except (xla_client.XlaRuntimeError, ValueError) as error:
        raise RefusedError(str(error)) from error
    cost = cost[0] if isinstance(cost, list) else cost
    return Compiled(
        memory={name: int(getattr(memory, field)) for name, field in _MEMORY_FIELDS.items()},
        cost={name: float(cost[key]) for name, key in _COST_FIELDS.items() if key in cost},
    )


def to_module(program: bytes) -> Any:
    """Returns a program as JAX's compilers take it: a module of StableHLO.

    TensorFlow puts copies around arguments; they have no counterpart in StableHLO, the compiler
    fails to legalize them, so they are taken out.

    Args:
      program: a serialized `HloModuleProto`.
    """
    from jax._src.interpreters import mlir
    from jax._src.lib import _jax
    from jaxlib.mlir import ir

    context = mlir.make_ir_context()
    with context:
        module = ir.Module.parse(_jax.mlir.hlo_to_stablehlo(program))
        _erase_copies(module.operation)
    return module


def _erase_copies(operation: Any) -> None:
    for region in operation.regions:
        for block in region.blocks:
            for child in [each.operation for each in block.operations]:
                if child.name == "mhlo.copy":
                    child.results[0].replace_all_uses_with(child.operands[0])
                    child.erase()
                else:
                    _erase_copies(child)


def load_program(program: bytes) -> Callable[[Sequence[Any]], list[Any]]:
    """Compiles a program for the first device that JAX has here, and returns what runs it.

    That takes the arguments in order, JAX's arrays, and returns the results. Arguments that share
    memory with a result are gone then.

    Args:
      program: a serialized `HloModuleProto`, for one device.
    """
    check_versions()
    import jax
    import numpy as np
    from jax._src import compiler
    from jax._src.lib import _jax

    device = jax.devices()[0]
    options = compiler.get_compile_options(
        num_replicas=1, num_partitions=1, device_assignment=np.array([[device.id]])
    )
    executable = device.client.compile_and_load(
        to_module(program), _jax.DeviceList((device,)), options
    )

    def run(arguments: Sequence[Any]) -> list[Any]:
        results = executable.execute_sharded(list(arguments))
        return [parts[0] for parts in results.disassemble_into_single_device_arrays()]

    return run
