"""Who runs a case when: in this process, on worker processes, on somebody's executor."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)

from feemu.sweeping.pools import process_pool
from feemu.sweeping.work import Outcome, attempt, attempt_apart

#: A case whose worker ended so often is run once more by itself, and failed if that ends, too.
STRIKES = 2
#: Time between two looks at what runs elsewhere [s].
TICK = 1.0
_GONE = (
    "its worker process ended by itself {} times: killed, perhaps for lack of memory; use fewer "
    "workers or a smaller network"
)


class Jobs:
    """The cases that are to be run, and whom to tell.

    Parameters
    ----------
    arguments : dict
        Arguments of `attempt` by the number of the case.
    report : callable
        Called with (number, `Outcome`); returns whether to go on with further cases.
    tick : callable
        Called about once a second with the numbers of the cases that were handed to workers.
    """

    def __init__(
        self,
        arguments: dict[int, tuple],
        report: Callable[[int, Outcome], bool],
        tick: Callable[[Sequence[int]], None],
    ) -> None:
        self.arguments, self.tick = arguments, tick
        self.left, self.open = deque(arguments), True
        self._report = report

    def report(self, number: int, outcome: Outcome) -> None:
        """Pass an outcome on; where nothing can be written any more, nothing else is begun."""
        if not self._report(number, outcome):
            self.open = False
            self.left.clear()


def run_here(jobs: Jobs, watch: Callable | None) -> None:
    """Run the cases in this process, one after the other."""
    while jobs.left:
        number = jobs.left.popleft()
        jobs.report(number, attempt(*jobs.arguments[number], watch))


def run_on(executor: Executor, jobs: Jobs, apart: bool) -> None:
    """Run the cases on an executor that belongs to the caller.

    `apart` says that it has processes on this machine, so that results stay in the folder; on
    other machines a file may be seen later than the message that it is there.

    Raises
    ------
    OSError
        If its workers are gone.
    """
    running: dict[Future, int] = {}
    try:
        run = attempt_apart if apart else attempt
        lost = _feed(executor, jobs, len(jobs.left), run, running)
    except CancelledError:
        lost = [0]
    except BaseException:
        for job in running:  # a pool of ours drops its own when it is left
            job.cancel()
        raise
    if lost:
        raise OSError("the workers of the executor ended; what is finished is kept, run it again")


def run_on_workers(workers: int, jobs: Jobs) -> None:
    """Run the cases on worker processes; workers that are killed are replaced.

    The arguments of the cases name a folder; results stay there.
    """
    strikes: Counter[int] = Counter()
    suspects: list[int] = []
    while jobs.left:
        with process_pool(min(workers, len(jobs.left))) as pool:
            # One more than there are workers, so that none waits for this process.
            lost = _feed(pool, jobs, workers + 1, attempt_apart, {})
        strikes.update(lost)
        suspects += [i for i in lost if strikes[i] == STRIKES]
        if jobs.open:
            jobs.left.extendleft(i for i in reversed(lost) if strikes[i] < STRIKES)
    for number in suspects:
        if not jobs.open:
            break
        jobs.left.append(number)
        with process_pool(1) as pool:
            if _feed(pool, jobs, 1, attempt_apart, {}):
                jobs.report(number, Outcome(None, _GONE.format(STRIKES + 1)))


def _feed(
    pool: Executor, jobs: Jobs, window: int, run: Callable, running: dict[Future, int]
) -> list[int]:
    """Hand cases to a pool, at most `window` at a time; return those that went down with it."""
    try:
        while jobs.left or running:
            while jobs.left and len(running) < window:
                number = jobs.left.popleft()
                try:
                    running[pool.submit(run, *jobs.arguments[number])] = number
                except BrokenExecutor:
                    return [*running.values(), number]
            done, _ = wait(running, TICK, FIRST_COMPLETED)
            for job in done:
                outcome = _outcome(job)
                jobs.report(running.pop(job), outcome)
            jobs.tick(tuple(running.values()))
    except BrokenExecutor:
        return list(running.values())
    return []


def _outcome(job) -> Outcome:
    try:
        return job.result()
    except (BrokenExecutor, CancelledError):
        raise
    except (
        Exception
    ) as error:  # of the executor itself: a result that cannot be sent, a lost worker
        return Outcome(None, f"{type(error).__name__}: {' '.join(str(error).split())}")
