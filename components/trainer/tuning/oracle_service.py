"""KerasTuner's gRPC service between the machines of a search.

The messages and the service's side are KerasTuner's. Its client waits for an hour where nobody
answers, and both ends take their addresses from the environment of the whole process; this one does
not.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from types import TracebackType
from typing import Any

import grpc
from keras_tuner.engine.trial import Trial
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from components.errors import InputError
from components.trainer.tuning.shared_oracle import SharedOracle

_MAX_CALLS = 64
_FAREWELL_SECONDS = 10.0
_FIRST_SECONDS = 900.0
_GONE_SECONDS = 60.0
_BEAT_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_SILENCE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_CHANNEL_OPTIONS = [("grpc.enable_http_proxy", 0), ("grpc.max_reconnect_backoff_ms", 2_000)]


class ChiefGoneError(RuntimeError):
    """The chief does not answer any more."""


@contextlib.contextmanager
def serve(oracle: SharedOracle, address: str) -> Iterator[str]:
    """Lets workers ask an oracle for as long as the context lasts.

    At its end it waits a moment until all workers know that the search is over. There is no
    encryption and no password, as in all of TensorFlow's own traffic between machines.

    Args:
      oracle: answers.
      address: `host:port` to listen at; port 0 takes a free one.

    Yields:
      the address.

    Raises:
      InputError: if the port is taken.
    """
    # With SO_REUSEPORT two chiefs could listen at one port without an error.
    server = grpc.server(futures.ThreadPoolExecutor(_MAX_CALLS), options=[("grpc.so_reuseport", 0)])
    protos.get_service_grpc().add_OracleServicer_to_server(OracleServicer(oracle), server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise InputError(f"tuner: expected a free port at {address}: {error}") from error
    server.start()
    try:
        yield f"{address.rsplit(':', 1)[0]}:{port}"
        deadline = time.monotonic() + _FAREWELL_SECONDS
        while not oracle.all_know_the_end() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        server.stop(grace=1).wait()


class RemoteOracle:
    """The oracle of a chief on another machine, or in another process.

    As a context it tells the chief every few seconds that the trial is still running. If nobody
    answers any more, it ends the main thread's work with a `ChiefGoneError`.
    """

    def __init__(
        self,
        address: str,
        gone_seconds: float = _GONE_SECONDS,
        beat_seconds: float = _BEAT_SECONDS,
    ) -> None:
        """Takes the chief's address.

        Args:
          address: `host:port`.
          gone_seconds: a chief that has not answered for so long is gone.
          beat_seconds: time between two signs of life.
        """
        self._address = address
        self._gone_seconds = gone_seconds
        self._beat_seconds = beat_seconds
        self._channel = grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
        self._stub = protos.get_service_grpc().OracleStub(self._channel)
        self._trial_id = ""
        self._is_gone = False
        self._handler: Any = None
        self._closing = threading.Event()
        self._beats = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> "RemoteOracle":
        """Starts the signs of life."""
        if threading.current_thread() is threading.main_thread():
            # Whoever has started this process may have had it ignored.
            self._handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        self._beats.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends them.

        Raises:
          ChiefGoneError: if that is what has interrupted the work.
        """
        self._closing.set()
        self._channel.close()
        self._beats.join()
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        if self._is_gone and isinstance(error, KeyboardInterrupt):
            raise ChiefGoneError(self._silence()) from None

    def connect(self, first_seconds: float = _FIRST_SECONDS) -> None:
        """Waits for the chief's first answer: its machine may start later than this one.

        Raises:
          ChiefGoneError: if none comes in time, as all methods that follow.
        """
        self._call(self._stub.GetSpace, _service().GetSpaceRequest(), first_seconds)

    def create_trial(self, tuner_id: str) -> Trial:
        """See `SharedOracle`, as for the methods that follow."""
        request = _service().CreateTrialRequest(tuner_id=tuner_id)
        trial = Trial.from_proto(self._call(self._stub.CreateTrial, request).trial)
        self._trial_id = trial.trial_id
        return trial

    def update_trial(self, trial_id: str, metrics: Mapping[str, float]) -> None:
        """Tells the logloss of a trial."""
        request = _service().UpdateTrialRequest(trial_id=trial_id, metrics=metrics, step=0)
        self._call(self._stub.UpdateTrial, request)

    def end_trial(self, trial: Trial) -> None:
        """Ends a trial."""
        self._trial_id = ""
        self._call(self._stub.EndTrial, _service().EndTrialRequest(trial=trial.to_proto()))

    def progress(self) -> str:
        """One line for the log of this machine."""
        return f"search: trial {self._trial_id.split('-')[0]}"

    def _call(
        self, method: Callable[..., Any], request: Any, patience_seconds: float | None = None
    ) -> Any:
        """Asks until there is an answer; asking twice does no harm."""
        deadline = time.monotonic() + (patience_seconds or self._gone_seconds)
        while True:
            left = max(deadline - time.monotonic(), 0.1)
            try:
                return method(request, wait_for_ready=True, timeout=left)
            except grpc.RpcError as error:
                if error.code() not in _SILENCE:
                    raise
                if time.monotonic() >= deadline:
                    raise ChiefGoneError(self._silence()) from error
            time.sleep(min(_RETRY_SECONDS, self._gone_seconds / 10))

    def _beat(self) -> None:
        while not self._closing.wait(self._beat_seconds):
            if not self._trial_id:
                continue
            try:
                request = _service().GetTrialRequest(trial_id=self._trial_id)
                self._call(self._stub.GetTrial, request)
            except (ChiefGoneError, grpc.RpcError, ValueError):  # ValueError: closed meanwhile
                if not self._closing.is_set() and self._trial_id:
                    self._is_gone = True
                    # A real signal wakes a main thread that waits, too.
                    os.kill(os.getpid(), signal.SIGINT)
                return

    def _silence(self) -> str:
        return f"tuner: the chief at {self._address} does not answer any more"


def _service() -> Any:
    return protos.get_service()
