"""A user's script for submitit: a training that is interrupted and goes on where it was."""

import pickle
import sys
import time
from pathlib import Path

import submitit


class Training(submitit.helpers.Checkpointable):
    """Counts up to a number of epochs, slowly, and keeps a model in a file."""

    def __init__(self, epochs):
        self.epochs = epochs

    def __call__(self, model: Path, log: Path):
        weights = pickle.loads(model.read_bytes()) if model.exists() else {"epoch": 0}
        while weights["epoch"] < self.epochs:
            time.sleep(0.1)
            weights["epoch"] += 1
            model.write_bytes(pickle.dumps(weights))
            with log.open("a") as file:
                file.write(f"{weights['epoch']}\n")
        return weights["epoch"]

    def checkpoint(self, model: Path, log: Path):
        with log.open("a") as file:
            file.write("checkpoint\n")
        return submitit.helpers.DelayedSubmission(self, model, log)


def main(cluster):
    executor = submitit.AutoExecutor(folder="log_test", cluster=cluster)
    executor.update_parameters(timeout_min=2, local_signal_delay_s=5, slurm_signal_delay_s=30)
    model, log = Path("model").absolute(), Path("log").absolute()
    job = executor.submit(Training(30), model, log)
    while not (log.exists() and len(log.read_text().splitlines()) > 3):
        time.sleep(0.05)
    job._interrupt()
    assert job.result() == 30
    lines = log.read_text().splitlines()
    assert lines.count("checkpoint") == 1
    numbers = [int(line) for line in lines if line != "checkpoint"]
    assert numbers[-1] == 30 and len(numbers) <= 31
    print("all of it is as it should be")


if __name__ == "__main__":
    main(sys.argv[1])
