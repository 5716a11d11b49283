"""Models that a job trains: who holds their weights here holds the trained ones afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.kernel import Kernel

pytestmark = pytest.mark.kernel

# What is defined in the notebook, and trains.
TRAINING = """
import numpy as np
import torch
torch.manual_seed(1)
x = torch.rand(64, 3)
y = x @ torch.tensor([[1.], [2.], [3.]])
model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.StepLR(optimiser, 5, 0.5)
weights = {'ids': [id(p) for p in model.parameters()], 'held': list(model.parameters())}
state = model.state_dict()

def is_whole():
    held = [p for group in optimiser.param_groups for p in group['params']]
    mine = list(model.parameters())
    return (
        [id(p) for p in mine] == [id(p) for p in held] == weights['ids'],
        all(a is b for a, b in zip(mine, weights['held'])),
        set(map(id, optimiser.state)) <= set(weights['ids']),
        all(torch.equal(a, b) for a, b in zip(mine, state.values())),
        scheduler.optimizer is optimiser,
    )

def train(steps):
    for _ in range(steps):
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimiser.step()
        scheduler.step()
    return loss
"""
RESULT = (
    "print(is_whole(), len(optimiser.state), scheduler.last_epoch)\n"
    "print(round(float(sum(p.double().abs().sum() for p in model.parameters())), 5))\n"
    "print(round(float(optimiser.state[model[0].weight]['exp_avg'].abs().sum()), 5))"
)


def test_training_in_jobs_goes_on_as_if_it_had_been_here(kernel: Kernel, magic: str) -> None:
    kernel.run(TRAINING)
    for _ in range(2):
        kernel.run(f"{magic} --wait --quiet\nloss = train(3)\nfirst = loss.item()")
    kernel.run("loss = train(2)")
    there = kernel.run(RESULT).stdout
    kernel.run(TRAINING)
    kernel.run("for steps in (3, 3, 2): loss = train(steps)")
    assert there == kernel.run(RESULT).stdout
    assert there.startswith("(True, True, True, True, True) 4 8\n")


def test_who_was_not_sent_and_holds_weights_sees_them_change(kernel: Kernel, magic: str) -> None:
    kernel.run(
        TRAINING
        + "class Holder: pass\n"
        + "holder = Holder()\n"
        + "holder.first, holder.array = model[0].weight, model[0].weight.detach().numpy()\n"
    )
    ran = kernel.run(
        f"{magic} --wait --quiet\n"
        "with torch.no_grad():\n"
        "    for p in model.parameters(): p.fill_(2)\n"
        "    model[2].bias.requires_grad_(False)\n"
        "model.note = 'filled'"
    )
    ran = kernel.run(
        "print(holder.first is model[0].weight, holder.array.sum(), model.note)\n"
        "print(is_whole(), model[2].bias.requires_grad)"
    )
    assert ran.stdout.splitlines() == [
        "True 48.0 filled",
        "(True, True, True, True, True) False",
    ]


def test_weights_that_were_changed_here_meanwhile_stay(
    start_kernel: Callable[..., Kernel], started_backend: str
) -> None:
    # A cell here would wait for the job.
    kernel, magic = start_kernel(NBSUBMIT_PENDING="ignore"), f"%%{started_backend}"
    kernel.run(TRAINING + "import pathlib")
    kernel.run(
        f"{magic} --quiet --as job\n"
        "import pathlib, time\n"
        "train(1)\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.05)"
    )
    kernel.run("with torch.no_grad():\n    for p in model.parameters(): p.fill_(7)")
    ran = kernel.run(
        "_ = pathlib.Path('go').write_text('')\n"
        "job.wait()\n"
        "print([float(p.mean()) for p in model.parameters()], is_whole()[:2])\n"
        "print(float(job.names['model'][0].weight.mean()) < 1)\n"
        "print([float(p.mean()) for p in model.parameters()])"
    )
    assert ran.stdout.splitlines() == [
        "[7.0, 7.0, 7.0, 7.0] (True, True)",
        "True",
        "[7.0, 7.0, 7.0, 7.0]",
    ]


def test_a_computed_tensor_says_at_backward_what_it_lacks(kernel: Kernel, magic: str) -> None:
    kernel.run(TRAINING + "loss = torch.nn.functional.mse_loss(model(x), y)\nhere = loss.item()")
    ran = kernel.run(f"{magic} --wait --quiet\nprint(loss.item() == here)\nout = model(x)")
    assert ran.stdout == "True\n"
    assert kernel.run("print(out.shape, out.requires_grad)").stdout == (
        "torch.Size([64, 1]) True\n"
    )
    ran = kernel.try_(f"{magic} --wait --quiet\nloss.backward()")
    assert "compute it in the same cell as backward()" in ran.traceback
