"""The reference of `benchmarks.training`: facebookresearch/dlrm, from a checkout.

Runs under a Python that has torch, with the checkout on PYTHONPATH. The network is the checkout's
`DLRM_Net`; the step is what the loop of its `run()` does, which cannot be called from outside: no
accuracy, no test, `--print-freq` never reached.
"""

import contextlib
from typing import Any

import dlrm_s_pytorch
import numpy as np
import torch

from benchmarks.training_problem import Batch, Problem
from benchmarks.training_worker import Contender, Settings, serve_contender


def _load_mlp(mlp: Any, weights: list[np.ndarray]) -> None:
    layers = [layer for layer in mlp if isinstance(layer, torch.nn.Linear)]
    for layer, kernel, bias in zip(layers, weights[::2], weights[1::2], strict=True):
        layer.weight.data.copy_(torch.from_numpy(kernel.T))
        layer.bias.data.copy_(torch.from_numpy(bias))


def make_network(problem: Problem) -> Any:
    """Makes the `DLRM_Net` of a problem, with the problem's weights."""
    shape = problem.shape
    bottom, top = shape.layers
    network = dlrm_s_pytorch.DLRM_Net(
        shape.embedding_dim,
        np.array(shape.vocabulary_sizes),
        np.array([bottom[0][0], *(outputs for _, outputs in bottom)]),
        np.array([top[0][0], *(outputs for _, outputs in top)]),
        arch_interaction_op="dot",
        sigmoid_bot=-1,
        sigmoid_top=len(top) - 1,
    )
    _load_mlp(network.bot_l, problem.bottom_mlp)
    _load_mlp(network.top_l, problem.top_mlp)
    for embedding, table in zip(network.emb_l, problem.tables(), strict=True):
        embedding.weight.data.copy_(torch.tensor(np.array(table)))
    return network


def _make_optimizer(network: Any, settings: Settings) -> Any:
    rate, start = settings.learning_rate, settings.initial_accumulator_value
    if settings.optimizer == "sgd":
        return torch.optim.SGD(network.parameters(), lr=rate)
    if settings.optimizer == "adagrad":
        return torch.optim.Adagrad(network.parameters(), rate, initial_accumulator_value=start)
    rowwise = dlrm_s_pytorch.RowWiseSparseAdagrad.RWSAdagrad
    return rowwise(network.parameters(), rate, initial_accumulator_value=start)


def make_dlrm(problem: Problem, settings: Settings) -> Contender:
    """Makes the network and its step."""
    torch.set_num_threads(settings.threads)
    network = make_network(problem)
    optimizer = _make_optimizer(network, settings)
    scheduler = dlrm_s_pytorch.LRPolicyScheduler(optimizer, 0, 0, 0)
    bfloat16 = settings.precision == "bfloat16"

    def prepare(batch: Batch) -> tuple[Any, ...]:
        """Returns what `collate_wrapper_criteo_offset` gives: X, lS_o, lS_i, T."""
        offsets = torch.arange(len(batch.label)).repeat(len(problem.shape.vocabulary_sizes), 1)
        ids = torch.from_numpy(np.ascontiguousarray(batch.categorical.T, np.int64))
        return torch.from_numpy(batch.dense), offsets, ids, torch.from_numpy(batch.label)[:, None]

    def step(inputs: tuple[Any, ...]) -> Any:
        dense, offsets, ids, label = inputs
        with torch.autocast("cpu", torch.bfloat16) if bfloat16 else contextlib.nullcontext():
            prediction = network(dense, offsets, ids)
        error = network.loss_fn(prediction.float(), label)
        loss = error.detach().cpu().numpy()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        scheduler.step()
        return loss

    num_parameters = sum(weights.numel() for weights in network.parameters())
    return Contender(prepare, step, num_parameters, f"torch {torch.__version__}")


if __name__ == "__main__":
    serve_contender(make_dlrm)
