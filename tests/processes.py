"""Whether processes have ended: a dead one that nobody has collected yet does not count as running."""

import psutil


def gone(*pids: int) -> bool:
    """Nothing runs under these numbers."""
    statuses = {process.pid: process.info["status"] for process in psutil.process_iter(["status"])}
    return all(statuses.get(pid, psutil.STATUS_ZOMBIE) == psutil.STATUS_ZOMBIE for pid in pids)


def all_gone(processes: list[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [process for process in alive if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
