"""A user's script for submitit: two processes of torch that find each other, on processors."""

import sys

import submitit


class Task:
    def __call__(self):
        import torch
        import torch.distributed

        environment = submitit.helpers.TorchDistributedEnvironment().export()
        torch.distributed.init_process_group(backend="gloo")
        assert environment.rank == torch.distributed.get_rank()
        assert environment.world_size == torch.distributed.get_world_size()
        tensor = environment.rank * torch.ones(1)
        torch.distributed.all_reduce(tensor)
        if environment.rank == 0:
            print("the sum is", tensor.item())
        torch.distributed.destroy_process_group()
        return tensor.item()

    def checkpoint(self):
        return submitit.helpers.DelayedSubmission(self)


def main(cluster):
    executor = submitit.AutoExecutor(folder="log_test/%j", cluster=cluster)
    executor.update_parameters(
        nodes=1, tasks_per_node=2, cpus_per_task=1, timeout_min=10, slurm_partition="main"
    )
    job = executor.submit(Task())
    assert job.results() == [1.0, 1.0]
    assert "the sum is 1.0" in job.task(0).stdout()
    print("all of it is as it should be")


if __name__ == "__main__":
    main(sys.argv[1])
