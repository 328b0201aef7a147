"""An instance of a cluster as one object: tasks are created, run and waited for through it.

    from distributed_computing import DistributedComputing

    dc = DistributedComputing(instance_id=1, computer_id="computer-a")
    dc.register_task_handler("process_data", lambda payload: {"result": payload["data"].upper()})
    task_id = dc.create_task("process_data", {"data": "hello"}, priority=8)
    dc.start_worker()
    print(dc.wait_for_task(task_id))

It is the hearsay node of that instance on this computer: the one that runs, or one that it starts, and that leaves when
the program ends. `hearsay.py` has to stand beside this file, and has all that goes beyond.
"""

from __future__ import annotations

import atexit
import os
import select
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

import hearsay

__all__ = ["DistributedComputing"]

Json = Any

# A node replays its journal before it says that it is ready; a minute is a journal of millions of tasks.
_START_S = 60.0
# The grace of a node is 30 s; what it does beyond that is to close.
_LEAVE_S = 40.0


class DistributedComputing:
    """One instance on one computer. Safe to share between threads.

    :param instance_id: its number on this computer
    :param computer_id: the name of this computer
    :param cluster: the name of the cluster; default: HEARSAY_CLUSTER, else "default"
    :param slots: tasks that this program runs at a time
    :param command: what starts hearsay; default: HEARSAY_PROGRAM, else `hearsay` on the PATH, else the package that this
        file belongs to
    :param options: of "hearsay start", for a node that has to be started, such as ["--no-mdns", "--peer", "10.0.0.2:4001"]
    :raises hearsay.HearsayError: the node could not be started; the message says why
    """

    def __init__(
        self,
        instance_id: Union[int, str],
        computer_id: str,
        *,
        cluster: Optional[str] = None,
        slots: int = 1,
        command: Optional[Sequence[str]] = None,
        options: Sequence[str] = (),
    ) -> None:
        self.name = f"{computer_id}/{instance_id}"
        self._slots = slots
        self._handlers: Dict[str, Callable[..., Json]] = {}
        self._worker: Optional[hearsay.Worker] = None
        self._thread: Optional[threading.Thread] = None
        self._node: Optional[subprocess.Popen[str]] = None
        cluster = cluster or os.environ.get("HEARSAY_CLUSTER") or "default"
        try:
            self._client = hearsay.connect(node=self.name, cluster=cluster)
        except hearsay.NoNode:
            self._start_node(computer_id, str(instance_id), cluster, command, options)
            self._client = hearsay.connect(node=self.name, cluster=cluster)
        atexit.register(self.close)

    @property
    def client(self) -> hearsay.Client:
        """The node, with all that it can do."""
        return self._client

    def register_worker(
        self, name: str, computer_id: Optional[str] = None, instance_id: Union[int, str, None] = None
    ) -> None:
        """Says that an instance is expected: it counts to the cluster, and is shown before it has been seen.

        :param name: any name, if computer and instance are given; else "computer-b/3"
        """
        if (computer_id is None) != (instance_id is None):
            raise ValueError("give computer_id and instance_id both, or neither and a name such as computer-b/3")
        self._client.expect(name if computer_id is None else f"{computer_id}/{instance_id}")

    def register_task_handler(self, task_type: str, handler: Callable[..., Json]) -> None:
        """Has a function run the tasks of a type, from `start_worker` on.

        It is called with the payload, or with the payload and a `hearsay.Task`, and returns the result.
        """
        if self._worker is not None:
            raise RuntimeError(f'"{task_type}" has to be registered before start_worker()')
        self._handlers[task_type] = handler

    def create_task(self, task_type: str, payload: Json = None, priority: int = 5, **options: Json) -> str:
        """Submits a task and returns its id. Options are those of `hearsay.Client.submit`."""
        return self._client.submit(task_type, payload, priority=priority, **options)

    def start_worker(self) -> None:
        """Runs tasks from here on, on a thread of its own. Called again, it changes nothing."""
        if self._worker is not None:
            return
        worker = self._client.worker(self._slots, name=f"python-{os.getpid()}")
        for task_type, handler in self._handlers.items():
            worker.task(task_type, handler)
        self._thread = worker.start()
        self._worker = worker

    def stop_worker(self) -> None:
        """Takes no more tasks, and returns when those that run have ended."""
        worker, thread = self._worker, self._thread
        self._worker = self._thread = None
        if worker is not None and thread is not None:
            worker.stop()
            thread.join()

    def wait_for_task(self, task_id: str, timeout: Optional[float] = None) -> Json:
        """Waits until a task has settled, wherever it ran, and returns its result.

        :param timeout: seconds; default: as long as it takes
        :raises hearsay.TaskFailed: it failed, or was cancelled
        :raises hearsay.WaitTimeout: it goes on
        """
        return self._client.wait(task_id, timeout)

    def get_metrics(self) -> Dict[str, Json]:
        """Tasks of the whole cluster, by state, as far as they are remembered: `tasks_completed`, `tasks_failed`,
        `tasks_cancelled`, `tasks_running`, `tasks_queued`, `tasks_waiting`, `tasks_delayed`."""
        tasks: Mapping[str, int] = self._client.status()["tasks"]
        return {f"tasks_{state}": count for state, count in tasks.items()}

    def check_worker_health(self) -> List[Dict[str, Json]]:
        """How every member is, and every expected instance, by name: `name`, `status`, `heartbeatAgeMs`, `slots`,
        `running`, `queued`."""
        kept = ("name", "status", "heartbeatAgeMs", "slots", "running", "queued")
        return [{key: node.get(key) for key in kept} for node in self._client.nodes()]

    def get_system_status(self) -> Dict[str, Json]:
        """The cluster in brief: members, tasks by state, slots, quorum, version."""
        return self._client.status()

    def save_state(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Saves all tasks that the node knows into a file."""
        self._client.save_state(path)

    def load_state(self, path: Union[str, "os.PathLike[str]"]) -> Dict[str, Json]:
        """Takes in the tasks of a file. Twice, or while the cluster works, is harmless."""
        return self._client.load_state(path)

    def close(self) -> None:
        """Stops the worker, and has the node leave, if this object started it. Happens by itself at the end."""
        atexit.unregister(self.close)
        self.stop_worker()
        node, self._node = self._node, None
        if node is None:
            return
        assert node.stdin is not None and node.stdout is not None
        node.stdin.close()
        try:
            node.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            # It goes on leaving by itself.
            pass
        node.stdout.close()

    def __enter__(self) -> "DistributedComputing":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_node(
        self, computer: str, instance: str, cluster: str, command: Optional[Sequence[str]], options: Sequence[str]
    ) -> None:
        # The node leaves when its stdin ends, so also if this program is killed.
        flags = ("--computer", computer, "--instance", instance, "--cluster", cluster, "--until-stdin-ends")
        node = subprocess.Popen(
            [*(command or _command()), "start", *flags, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if name != "HEARSAY_PROGRAM"},
            # Ctrl-C is for this program, which has the node leave when it ends.
            start_new_session=True,
        )
        self._node = node
        said = _Tail(node.stderr)
        assert node.stdout is not None
        if not _ready(node.stdout):
            self.close()
            said.join()
            raise hearsay.HearsayError("NodeNotStarted", f"{self.name} could not be started: {said.text()}")


class _Tail:
    """Reads what a node says on stderr, so that it never waits for a reader, and keeps the end of it."""

    def __init__(self, stream: Any) -> None:
        self._lines: List[str] = []
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self._lines.append(line)
            del self._lines[:-20]

    def join(self) -> None:
        self._thread.join(5)

    def text(self) -> str:
        return "".join(self._lines).strip() or "it said nothing"


def _ready(stdout: Any) -> bool:
    """Whether the node says that it is ready, within a time that no healthy one needs."""
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        readable, _, _ = select.select([stdout], [], [], 1.0)
        if readable:
            line = stdout.readline()
            if line == "" or line.startswith("ready "):
                return line != ""
    return False


def _command() -> List[str]:
    given = os.environ.get("HEARSAY_PROGRAM")
    if given:
        return given.split()
    found = shutil.which("hearsay")
    if found:
        return [found]
    script = Path(__file__).resolve().parents[3] / "bin" / "hearsay.js"
    node = shutil.which("node")
    if script.exists() and node:
        return [node, str(script)]
    raise hearsay.HearsayError(
        "NoCommand", "hearsay is not installed here: put it on the PATH, or say what starts it in HEARSAY_PROGRAM"
    )
