"""Work done ahead by the threads of a pool, and handed out in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def run_ahead(
    tasks: Iterable[Callable[[], Made]], pool: ThreadPoolExecutor, ahead: int
) -> Generator[Made, None, None]:
    """Yield what tasks return, in their order, while a pool runs the next ones.

    Args:
        tasks: taken one by one.
        pool: shut down at the end, or when the generator is closed.
        ahead: how many are in work or done when one is yielded.

    Raises:
        Exception: what a task or `tasks` raised, in its turn.
    """
    running: deque[Future[Made]] = deque()
    try:
        for task in tasks:
            running.append(pool.submit(task))
            if len(running) > ahead:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
