"""One worker thread for a loaded model: takes requests from any loop, merges them into batches."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from weakref import WeakSet

import torch
from transformers import PreTrainedModel

from catsdk.core.errors import CatError, ProviderError
from catsdk_providers.local.chat import Chat
from catsdk_providers.local.decode import decode
from catsdk_providers.local.row import Job, Row
from catsdk_providers.local.score import ScoreJob, TokenScore, score

__all__ = ["Engine", "has_adapter"]

# Below this many parameters one thread is faster than several, which wait for each other at every
# operator: by much where other programs want the processor too.
_SMALL = 50_000_000
# Prompts share a batch when none is longer than twice the first one and this many tokens more:
# otherwise most of what is computed is padding.
_NEAR = 64
_LAST_STEP_S = 10.0


class Engine:
    """Runs the requests to one model, in batches, in a daemon thread that lives while there are.

    The thread ends when no request is left and starts with the next one; so nothing needs to be
    closed. A batch takes the oldest request and those like it, up to `batch_tokens`: rows times
    the longest prompt and answer that they may come to. A request with more rows than fit is
    spread over batches. Rows with the adapter on and off never share a batch.
    """

    def __init__(
        self, model: PreTrainedModel, chat: Chat, *, batch_tokens: int, threads: int | None = None
    ) -> None:
        """`threads` are torch's threads for an operator on the CPU; `None` chooses by size."""
        self.model = model
        self.chat = chat
        self.batch_tokens = batch_tokens
        self.threads = threads or _threads_for(model)
        self._arrived: deque[Job] = deque()
        self._to_score: deque[ScoreJob] = deque()
        self._pending: list[Job] = []
        self._working = threading.Lock()
        self._worker: threading.Thread | None = None
        self._ended = threading.Event()
        _engines.add(self)

    def submit(self, job: Job | ScoreJob) -> None:
        """Queue `job`; never waits, so that an event loop can call it."""
        if isinstance(job, ScoreJob):
            self._to_score.append(job)
        else:
            self._arrived.append(job)
        self._ensure_worker()

    def end(self, timeout: float) -> None:
        """Compute nothing more; wait up to `timeout` seconds for the step that is running."""
        self._ended.set()
        if self._worker is not None:
            self._worker.join(timeout)

    def _ensure_worker(self) -> None:
        # Whoever gets the lock starts the thread. Who does not get it meets a worker that looks
        # for arrivals once more after it has given the lock back.
        if not self._working.acquire(blocking=False):
            return
        try:
            self._worker = threading.Thread(target=self._work, name="catsdk-local", daemon=True)
            self._worker.start()
        except BaseException:
            self._working.release()
            raise

    def _work(self) -> None:
        try:
            if self.threads is not None:
                _use_threads(self.threads)
            while not self._ended.is_set() and self._step():
                pass
        finally:
            self._working.release()
        if (self._arrived or self._to_score) and not self._ended.is_set():
            self._ensure_worker()

    def _step(self) -> bool:
        """Score one text and run one batch; return false if there is neither."""
        scoring = bool(self._to_score)
        if scoring:
            self._score(self._to_score.popleft())
        rows = self._next_rows()
        if rows:
            self._run(rows)
        return scoring or bool(rows)

    def _score(self, job: ScoreJob) -> None:
        # Mark it as held before checking it: whoever closes it later sees that, and waits.
        job.held = self._is_changed(adapter=job.adapter)
        if job.closed:
            job.finish()
            return
        scores: list[TokenScore] | None = None
        error: CatError | None = None
        try:
            with _evaluating(self.model), _adapter(self.model, on=job.adapter):
                scores = score(self.model, job)
        except Exception as failed:  # noqa: BLE001 - it must reach the one who waits
            error = _as_provider_error(failed, 1, self.batch_tokens)
        job.finish(scores, error)

    def _next_rows(self) -> list[Row]:
        while self._arrived:
            self._pending.append(self._arrived.popleft())
        self._pending = [job for job in self._pending if not job.closed]
        rows = _merged(self._pending, self.batch_tokens, self.chat)
        self._pending = [job for job in self._pending if job.started < job.plan.n]
        return rows

    def _run(self, rows: Sequence[Row]) -> None:
        adapter, jobs = rows[0].job.plan.adapter, {row.job for row in rows}
        for job in jobs:
            job.held = self._is_changed(adapter=adapter)
        failed: Exception | None = None
        try:
            # Nobody waits for a job that was closed before it was held.
            live = [row for row in rows if row.live]
            if live:
                with _evaluating(self.model), _adapter(self.model, on=adapter):
                    decode(self.model, live, self._ended.is_set)
        except Exception as error:  # noqa: BLE001 - it must reach those who wait
            failed = error
        for job in jobs:
            job.release()
            if failed is not None and not job.done:
                job.fail(_as_provider_error(failed, len(rows), self.batch_tokens))

    def _is_changed(self, *, adapter: bool) -> bool:
        """Whether sampling needs another state of the model than its trainer set."""
        return self.model.training or not adapter


_engines: WeakSet[Engine] = WeakSet()


@atexit.register
def _end_all() -> None:
    """Wait until no worker is inside torch at interpreter exit, which would abort the process."""
    for engine in list(_engines):
        engine.end(_LAST_STEP_S)


def _merged(pending: Sequence[Job], batch_tokens: int, chat: Chat) -> list[Row]:
    """The rows of the next batch: those of the oldest job, then those of the most similar jobs."""
    if not pending:
        return []
    head = pending[0].plan
    alike = [job for job in pending if _fits_beside(job, head.adapter, len(head.prompt))]
    alike.sort(key=lambda job: abs(job.plan.width - head.width))
    rows: list[Row] = []
    prompt = limit = 0
    for job in alike:
        prompt, limit = max(prompt, len(job.plan.prompt)), max(limit, job.plan.limit)
        room = batch_tokens // (prompt + limit) - len(rows)
        if room < 1 and rows:
            break
        rows += job.start(max(room, 1), chat)
    return rows


def _fits_beside(job: Job, adapter: bool, length: int) -> bool:
    shorter, longer = sorted((len(job.plan.prompt), length))
    return job.plan.adapter == adapter and longer <= 2 * shorter + _NEAR


def has_adapter(model: PreTrainedModel) -> bool:
    """Whether `model` carries an adapter (PEFT) that can be turned off."""
    return hasattr(model, "disable_adapter") or getattr(model, "_hf_peft_config_loaded", False)


def _adapter(model: PreTrainedModel, *, on: bool) -> AbstractContextManager[object]:
    if on:
        return nullcontext()
    if hasattr(model, "disable_adapter"):  # a PeftModel
        turn_off: Callable[[], AbstractContextManager[object]] = model.disable_adapter  # type: ignore[assignment]
        return turn_off()
    return _adapters_off(model)


@contextmanager
def _adapters_off(model: PreTrainedModel) -> Generator[None]:
    """Turn off the adapters that transformers itself has loaded into `model`."""
    with ExitStack() as exits:
        exits.callback(model.enable_adapters)
        model.disable_adapters()
        yield


@contextmanager
def _evaluating(model: PreTrainedModel) -> Generator[None]:
    """Turn dropout off while sampling from a model that is being trained."""
    # One that is not is left alone: its answers are given before the batch ends, and whoever has
    # them may have begun to train it by then.
    if not model.training:
        yield
        return
    model.eval()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        model.train()


def _threads_for(model: PreTrainedModel) -> int | None:
    size = sum(parameter.numel() for parameter in model.parameters())
    return 1 if model.device.type == "cpu" and size < _SMALL else None


def _use_threads(count: int) -> None:
    """Let this thread, and no other, use `count` threads for an operator.

    torch keeps the number for each thread and a default for threads to come, and sets both at
    once; so another short-lived thread puts the default back.
    """
    default = torch.get_num_threads()
    torch.set_num_threads(count)
    restore = threading.Thread(target=torch.set_num_threads, args=(default,))
    restore.start()
    restore.join()


def _as_provider_error(error: Exception, rows: int, batch_tokens: int) -> ProviderError:
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error):
        message = (
            f"the local model ran out of memory on a batch of {rows} rows; make"
            f" max_batch_tokens (now {batch_tokens}) or max_tokens smaller"
        )
    else:
        message = f"the local model failed: {type(error).__name__}: {error}"
    failure = ProviderError(message)
    failure.__cause__ = error
    return failure
