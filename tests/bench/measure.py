"""What a process costs: wall and CPU seconds, and the memory it held at most."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Run:
    """One run of a command."""

    wall: float
    cpu: float
    rss_mb: float
    code: int


def run(command, output=None):
    """Runs a command to its end; what it prints goes to the file OUTPUT, or nowhere. Errors are shown."""
    with open(output or os.devnull, "wb") as out:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 2, 3):
        raise SystemExit(f"{command}: exit {process.returncode}\n{errors.decode(errors='replace')}")
    # Linux counts in KiB.
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, process.returncode)


def median(runs):
    """The median of each figure."""
    return Run(
        statistics.median(one.wall for one in runs),
        statistics.median(one.cpu for one in runs),
        max(one.rss_mb for one in runs),
        runs[-1].code,
    )
