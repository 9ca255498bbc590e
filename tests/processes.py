"""Whether processes have ended: a zombie, which its parent has not reaped yet, does not count as running."""

import psutil


def gone(*pids: int) -> bool:
    """Whether no process with one of these pids is running."""
    statuses = {process.pid: process.info["status"] for process in psutil.process_iter(["status"])}
    return all(statuses.get(pid, psutil.STATUS_ZOMBIE) == psutil.STATUS_ZOMBIE for pid in pids)


def all_gone(processes: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
