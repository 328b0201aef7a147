"""hearsay for Python: submit tasks to a cluster, wait for them, and work on them.

One file, of the standard library alone (Python 3.9 or later): copy it beside your program, or put its folder on
PYTHONPATH. It talks to a hearsay node on the same computer, through the socket in the node's data folder; so a node has
to run there ("hearsay start"), as the same user.

    import hearsay

    cluster = hearsay.connect()
    task_id = cluster.submit("summarise", {"text": "a long story"}, priority=8)
    print(cluster.wait(task_id))

A worker runs functions for tasks of their type, wherever in the cluster they were submitted:

    worker = cluster.worker(slots=1)

    @worker.task("summarise")
    def summarise(payload, task):
        task.progress(0.5, "reading")
        return {"words": len(payload["text"].split())}

    worker.run()        # until Ctrl-C: lets what runs finish; once more gives it back

While the worker is connected its tasks are its own. If it dies, another worker gets them in the same second; if its
connection breaks while it lives, they may run twice, and `task.cancelled` is set.

Errors are `HearsayError`s, named as in hearsay's own documentation.
"""

from __future__ import annotations

import collections
import http.client
import inspect
import json
import os
import queue
import re
import signal
import socket
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote, urlencode

__all__ = [
    "AmbiguousNode",
    "Cancelled",
    "Client",
    "HearsayError",
    "LeaseEnded",
    "LeaseLost",
    "NoNode",
    "NonRetryable",
    "RetryAfter",
    "Task",
    "TaskFailed",
    "UnknownTask",
    "WaitTimeout",
    "Worker",
    "connect",
]

Json = Any
"""What JSON can carry: None, bool, int, float, str, and lists and dicts (with text as keys) of these."""

Duration = Union[int, float, str]
"""Milliseconds as a number, or text with a unit: "30s", "5m"."""

# As many bytes travel inside a submission; a larger payload is stored first (the node's limit is 1 MiB a request).
_INLINE_BYTES_MAX = 8192
# The node reads as many lines, and as much text, before its answers are read; more would wait for each other for ever.
_BATCH_LINES_MAX = 500
_BATCH_LENGTH_MAX = 4_000_000
# Between attempts to find a node that has gone: a restart takes a second or two.
_AGAIN_S_MIN = 0.5
_AGAIN_S_MAX = 5.0
# A node that is stopped accepts a connection and answers nothing; its kernel does.
_DIAL_S = 2.0


class HearsayError(Exception):
    """What a node refused, or could not do. `name` is the stable name of the error, `status` the one of HTTP."""

    def __init__(self, name: str, message: str, status: Optional[int] = None) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


class NoNode(HearsayError):
    """No node on this computer answers."""


class AmbiguousNode(HearsayError):
    """Nodes of several clusters run on this computer: say which is meant."""


class UnknownTask(HearsayError):
    """No such task, or it was forgotten when its retention was over."""


class WaitTimeout(HearsayError):
    """The task has not settled in the time given. It goes on."""


class LeaseLost(HearsayError):
    """The task is not this worker's any more: stop working on it."""


class LeaseEnded(HearsayError):
    """This attempt has already been ended in another way."""


class TaskFailed(HearsayError):
    """The task failed or was cancelled. `task` is the whole of it, as `Client.get` gives it."""

    def __init__(self, task: Dict[str, Json]) -> None:
        error = task.get("error") or {}
        reason = task.get("reason") or task["state"]
        super().__init__(error.get("name") or reason, error.get("message") or f"{task['id']} {task['state']}: {reason}")
        self.task = task


class NonRetryable(Exception):
    """Raised by a handler: the task fails for good, whatever retries it has left."""


class RetryAfter(Exception):
    """Raised by a handler: call it again after so many seconds. Uses no retry."""

    def __init__(self, seconds: float, message: str = "") -> None:
        super().__init__(message or f"again after {seconds} s")
        if not seconds >= 0:
            raise ValueError(f"RetryAfter cannot wait {seconds} s: give 0 or more")
        self.seconds = seconds


class Cancelled(Exception):
    """Raised by `Task.check`: nobody wants the outcome of this run any more."""


_ERRORS = {
    "NoNodeError": NoNode,
    "UnknownTaskError": UnknownTask,
    "WaitTimeoutError": WaitTimeout,
    "LeaseLost": LeaseLost,
    "LeaseLostError": LeaseLost,
    "LeaseEnded": LeaseEnded,
    "LeaseEndedError": LeaseEnded,
}


def connect(
    node: Optional[str] = None, cluster: Optional[str] = None, data: Union[str, "os.PathLike[str]", None] = None
) -> "Client":
    """Finds a node on this computer.

    :param node: its name, such as "computer-a/1"; default: HEARSAY_NODE, else any
    :param cluster: the name of its cluster; default: HEARSAY_CLUSTER, else that of the nodes that run
    :param data: its data folder; default: HEARSAY_DATA, else those in $XDG_DATA_HOME/hearsay
    :raises NoNode: none answers
    :raises AmbiguousNode: nodes of several clusters answer
    """
    data = data or (None if node else os.environ.get("HEARSAY_DATA"))
    if data:
        folder = Path(data)
        if not _answers(folder):
            raise NoNode("NoNodeError", f'no node answers in {folder}: start one with "hearsay start --data {folder}"')
        return Client(folder)
    node = node or os.environ.get("HEARSAY_NODE")
    cluster = cluster or os.environ.get("HEARSAY_CLUSTER")
    home = _data_home()
    if node is not None and not re.fullmatch(r"[^/]+/[^/]+", node):
        raise ValueError(f'node cannot be "{node}": a node\'s name is computer/instance, such as computer-a/1')
    folders = sorted(home.glob(f"{cluster or '*'}/{node.replace('/', '-') if node else '*'}"))
    alive = [folder for folder in folders if _answers(folder)]
    if not alive:
        which = f'no node "{node}"' if node else "no node"
        where = f' of the cluster "{cluster}"' if cluster else ""
        raise NoNode(
            "NoNodeError", f'{which}{where} runs on this computer (looked in {home}): start one with "hearsay start"'
        )
    clusters = sorted({folder.parent.name for folder in alive})
    if len(clusters) > 1:
        raise AmbiguousNode(
            "InvalidOptionError", f"nodes of several clusters run on this computer: give cluster=, one of {clusters}"
        )
    return Client(alive[0])


def _data_home() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "hearsay"


def _answers(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dialled:
        dialled.settimeout(_DIAL_S)
        try:
            dialled.connect(str(folder / "api.sock"))
            return True
        except OSError:
            return False


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


class _Api:
    """Requests to one node. Each thread keeps a connection of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._socket = folder / "api.sock"
        self._kept = threading.local()

    def value(self, method: str, path: str, body: Json = None, query: Optional[Mapping[str, Json]] = None) -> Json:
        """One value of JSON; None where there is no answer (204)."""
        text = None if body is None else _to_json(body).encode()
        return self.raw(method, path, text, query)

    def raw(
        self, method: str, path: str, content: Optional[bytes], query: Optional[Mapping[str, Json]] = None
    ) -> Json:
        status, answer = self.bytes(method, path, content, query)
        if status == 204 or not answer:
            return None
        return json.loads(answer)

    def bytes(
        self, method: str, path: str, content: Optional[bytes] = None, query: Optional[Mapping[str, Json]] = None
    ) -> Tuple[int, bytes]:
        for is_last in (False, True):
            kept: Optional[_UnixConnection] = getattr(self._kept, "connection", None)
            was_idle = kept is not None
            connection = kept or _UnixConnection(self._socket)
            self._kept.connection = None
            try:
                self._request(connection, method, path, content, query)
                response = connection.getresponse()
                answer = response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                # The node closes idle connections; one that was kept may be closed just when it is used again.
                if was_idle and not is_last and isinstance(
                    error, (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)
                ):
                    continue
                raise self._gone(error) from error
            except BaseException:
                connection.close()
                raise
            if response.will_close:
                connection.close()
            else:
                self._kept.connection = connection
            if response.status >= 300:
                raise _error_of(response.status, answer)
            return response.status, answer
        raise AssertionError("unreachable")

    def stream(
        self, method: str, path: str, body: Json = None, query: Optional[Mapping[str, Json]] = None
    ) -> Tuple[_UnixConnection, http.client.HTTPResponse]:
        """An answer that is read line by line, on a connection of its own: close it."""
        connection = _UnixConnection(self._socket)
        try:
            content = None if body is None else _to_json(body).encode()
            self._request(connection, method, path, content, query)
            response = connection.getresponse()
            if response.status >= 300:
                raise _error_of(response.status, response.read())
            return connection, response
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._gone(error) from error
        except BaseException:
            connection.close()
            raise

    def lines(
        self, method: str, path: str, body: Json = None, query: Optional[Mapping[str, Json]] = None
    ) -> Iterator[Json]:
        connection, response = self.stream(method, path, body, query)
        try:
            while True:
                line = response.readline()
                if not line:
                    return
                if not line.strip():
                    # Sent now and then so that both sides notice when the other is gone.
                    continue
                value = json.loads(line)
                if isinstance(value, dict) and set(value) == {"v", "error"}:
                    raise _error_of(500, line)
                yield value
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(error) from error
        finally:
            connection.close()

    def ends(self) -> "_Ends":
        """See `_Ends`."""
        connection = _UnixConnection(self._socket)
        try:
            # What was closed is not opened again by what is sent.
            connection.connect()
            connection.auto_open = 0
            connection.putrequest("POST", "/v1/leases/ends")
            connection.putheader("content-type", "application/x-ndjson")
            connection.putheader("transfer-encoding", "chunked")
            connection.endheaders()
            response = connection.getresponse()
            if response.status >= 300:
                raise _error_of(response.status, response.read())
            return _Ends(self, connection, response)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._gone(error) from error
        except BaseException:
            connection.close()
            raise

    def _request(
        self,
        connection: _UnixConnection,
        method: str,
        path: str,
        content: Optional[bytes],
        query: Optional[Mapping[str, Json]],
    ) -> None:
        given = {key: value for key, value in (query or {}).items() if value is not None}
        search = f"?{urlencode(given)}" if given else ""
        connection.request(method, path + search, body=content, headers={"content-type": "application/json"})

    def _gone(self, error: Exception) -> NoNode:
        return NoNode(
            "NoNodeError", f'no node answers in {self.folder} ({error or type(error).__name__}): start one with "hearsay start"'
        )


class _Ends:
    """Ends of leases, over a request that stays open: one for each end costs a node more than a short task does.

    Answers come in the order of the ends. Safe to share between threads: whoever waits for an answer reads for all.
    """

    def __init__(self, api: _Api, connection: _UnixConnection, response: http.client.HTTPResponse) -> None:
        self._api = api
        self._connection = connection
        self._response = response
        self._sending = threading.Lock()
        self._reading = threading.Lock()
        self._waiting: "collections.deque[List[Dict[str, Json]]]" = collections.deque()

    def tell(self, lease: str, how: str, body: Json) -> None:
        """Returns when the node has taken it; raises what it is refused with, or NoNode."""
        line = _to_json({"lease": lease, how: body}).encode() + b"\n"
        answer: List[Dict[str, Json]] = []
        try:
            with self._sending:
                self._waiting.append(answer)
                self._connection.send(b"%x\r\n%b\r\n" % (len(line), line))
            with self._reading:
                while not answer:
                    self._read()
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
            raise self._api._gone(error) from error
        if "error" in answer[0]:
            raise _error_of(409, _to_json(answer[0]).encode())

    def close(self) -> None:
        _hang_up(self._connection)

    def _read(self) -> None:
        line = self._response.readline()
        if not line:
            raise ConnectionResetError("the connection has ended")
        if line.strip():
            self._waiting.popleft().append(json.loads(line))


def _error_of(status: int, answer: bytes) -> HearsayError:
    try:
        error = json.loads(answer)["error"]
        name, message = str(error["name"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        name, message = "Error", f"the node answered with status {status}"
    return _ERRORS.get(name, HearsayError)(name, message, status)


def _to_json(value: Json) -> str:
    """JSON, or a clear refusal: what JSON cannot carry would arrive as something else."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _path_of(task_id: str, question: str = "") -> str:
    if not isinstance(task_id, str) or re.fullmatch(r"\.*", task_id):
        raise ValueError(f"a task's id cannot be {task_id!r}: give it, or a part of it")
    return f"/v1/tasks/{quote(task_id, safe='')}{question}"


_CAMEL = re.compile(r"_([a-z])")


def _option(name: str) -> str:
    """`max_retries` is `maxRetries` there."""
    return _CAMEL.sub(lambda found: found.group(1).upper(), name)


class Client:
    """A node on this computer, and the cluster through it. Safe to share between threads; see `connect`."""

    def __init__(self, data: Union[str, "os.PathLike[str]"]) -> None:
        self._api = _Api(Path(data))

    @property
    def data(self) -> Path:
        """The node's data folder."""
        return self._api.folder

    def submit(self, type: str, payload: Json = None, **options: Json) -> str:
        """Submits a task and returns its id when it is accepted: it is on another computer then, if one is connected.

        :param options: priority (1 to 10, 10 first), depends_on (ids), max_retries, timeout, deadline, delay, run_at,
            labels, idempotency_key, delivery, retention, tags, backoff, ref, acks, as hearsay's reference has them;
            durations are ms or text ("30s")
        :raises HearsayError: InvalidOptionError, PayloadRejectedError, TooLargeError, NotReplicatedError
        """
        return self.submit_task(type, payload, **options)["id"]

    def submit_task(self, type: str, payload: Json = None, **options: Json) -> Dict[str, Json]:
        """As `submit`, and tells all: `id`, `acks` (other disks that have it), `deduplicated`, `warnings`."""
        body: Dict[str, Json] = {"type": type, "options": _options(options)}
        content = _to_json(payload).encode()
        if len(content) <= _INLINE_BYTES_MAX:
            body["payload"] = payload
        else:
            stored = self._api.raw("PUT", "/v1/blobs", content)
            body["payloadBlob"] = {"hash": stored["hash"], "bytes": stored["bytes"]}
        return self._api.value("POST", "/v1/tasks", body)

    def submit_many(self, tasks: Iterable[Mapping[str, Json]]) -> List[str]:
        """Submits many tasks, hundreds in one request, and returns their ids, in order.

        :param tasks: each {"type": ..., "payload": ..., and options as for `submit`}
        :raises HearsayError: of the first that was refused; those before it, and some after it, are submitted
        """
        ids: List[str] = []
        lines: List[str] = []
        length = 0
        for task in tasks:
            given = dict(task)
            line = {"line": len(lines), "type": given.pop("type"), "payload": given.pop("payload", None)}
            lines.append(_to_json({**line, "options": _options(given)}))
            length += len(lines[-1])
            if len(lines) >= _BATCH_LINES_MAX or length >= _BATCH_LENGTH_MAX:
                ids += self._submitted(lines)
                lines, length = [], 0
        return ids + self._submitted(lines)

    def _submitted(self, lines: List[str]) -> List[str]:
        if not lines:
            return []
        _, answer = self._api.bytes("POST", "/v1/batch", ("\n".join(lines) + "\n").encode())
        ids = [""] * len(lines)
        refused: Optional[HearsayError] = None
        for text in filter(bytes.strip, answer.split(b"\n")):
            answered = json.loads(text)
            if "error" in answered:
                refused = refused or _error_of(400, text)
            else:
                ids[answered["line"]] = answered["id"]
        if refused is not None:
            raise refused
        return ids

    def wait(self, task_id: str, timeout: Optional[float] = None) -> Json:
        """Waits until the task has settled, and returns its result.

        :param timeout: seconds; default: as long as it takes
        :raises TaskFailed: it failed, or was cancelled
        :raises WaitTimeout: it goes on
        :raises UnknownTask:
        """
        task = self.wait_task(task_id, timeout)
        if task["state"] != "completed":
            raise TaskFailed(task)
        return self.result(task)

    def wait_task(self, task_id: str, timeout: Optional[float] = None) -> Dict[str, Json]:
        """Waits until the task has settled, however it ended, and returns all of it."""
        timeout_ms = None if timeout is None else max(0, round(timeout * 1000))
        return self._api.value("GET", _path_of(task_id, "/wait"), query={"timeoutMs": timeout_ms})

    def result(self, task: Union[str, Mapping[str, Json]]) -> Json:
        """The result of a task (by its id, or as `get` gives it), whatever its size; None if it has none."""
        found = self.get(task) if isinstance(task, str) else task
        return self._content(found.get("result"), found.get("resultBlob"))

    def payload(self, task: Union[str, Mapping[str, Json]]) -> Json:
        """The payload of a task (by its id, or as `get` gives it), whatever its size."""
        found = self.get(task) if isinstance(task, str) else task
        return self._content(found.get("payload"), found.get("payloadBlob"))

    def _content(self, value: Json, blob: Optional[Mapping[str, Json]]) -> Json:
        return value if blob is None else json.loads(self._blob(blob))

    def _blob(self, blob: Mapping[str, Json]) -> bytes:
        return self._api.bytes("GET", f"/v1/blobs/{blob['hash']}", query={"bytes": blob["bytes"]})[1]

    def get(self, task_id: str) -> Dict[str, Json]:
        """All that is known of a task. A part of the id is enough, if it is unambiguous."""
        return self._api.value("GET", _path_of(task_id))

    def list(self, **filters: Json) -> Iterator[Dict[str, Json]]:
        """Tasks, newest first: state, type, tag, node, ref, q, since, until, sort, limit, fields."""
        for task in self._api.lines("GET", "/v1/tasks", query=filters):
            if "id" in task:
                yield task

    def logs(self, task_id: str, follow: bool = False) -> Iterator[Dict[str, Json]]:
        """What the runs of a task have printed and logged: `stream`, `text`, `at`, `attempt`, `node`.

        :param follow: go on until the task has settled
        """
        return self._api.lines("GET", _path_of(task_id, "/logs"), query={"follow": "true" if follow else "false"})

    def cancel(self, task_id: str) -> str:
        """Cancels a task; returns how it has settled, or "requested" if that is not known within 5 s."""
        return self._api.value("POST", _path_of(task_id, "/cancel"))["status"]

    def retry(self, task_id: str) -> str:
        """Submits a copy of a task that has failed or was cancelled; returns the id of the copy."""
        return self._api.value("POST", _path_of(task_id, "/retry"))["id"]

    def why(self, task_id: str) -> Dict[str, Json]:
        """Why a task does not run, or how it ended: `words`, and `nodes` with the words of each."""
        return self._api.value("GET", _path_of(task_id, "/why"))

    def nodes(self) -> List[Dict[str, Json]]:
        """All members, and those that are expected."""
        return list(self._api.lines("GET", "/v1/nodes"))

    def status(self) -> Dict[str, Json]:
        """The cluster in brief: members, tasks by state, slots, quorum."""
        return self._api.value("GET", "/v1/status")

    def metrics(self) -> str:
        """What there is to measure, as text for Prometheus."""
        return self._api.bytes("GET", "/v1/metrics")[1].decode()

    def events(self, **filters: Json) -> Iterator[Dict[str, Json]]:
        """What happens from now on: filters are event, type, task, since (a cursor)."""
        return self._api.lines("GET", "/v1/events", query=filters)

    def expect(self, name: str) -> None:
        """Counts a node ("computer-b/3") to the cluster before it has been seen; `forget` undoes it."""
        self._api.value("POST", "/v1/expect", query={"node": name})

    def forget(self, name: str) -> None:
        """Counts a node no more that will not come back."""
        self._api.value("POST", "/v1/forget", query={"node": name})

    def save_state(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Saves all tasks that the node knows into a file, which is replaced as a whole or not at all."""
        target = Path(path)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        connection, response = self._api.stream("GET", "/v1/state")
        try:
            with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                while True:
                    piece = response.read(65536)
                    if not piece:
                        break
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, target)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise
            raise self._api._gone(error) from error
        finally:
            connection.close()
            unfinished.unlink(missing_ok=True)

    def load_state(self, path: Union[str, "os.PathLike[str]"]) -> Dict[str, Json]:
        """Takes in the tasks of a file; returns how many were `loaded`, `known`, `skipped`. Twice is harmless."""
        return self._api.raw("POST", "/v1/state", Path(path).read_bytes())

    def worker(
        self, slots: int = 1, labels: Optional[Mapping[str, str]] = None, name: Optional[str] = None
    ) -> "Worker":
        """A worker that runs functions for tasks; see `Worker`."""
        return Worker(self, slots, labels, name)


def _options(options: Mapping[str, Json]) -> Dict[str, Json]:
    return {_option(name): value for name, value in options.items() if value is not None}


class Task:
    """One run of a task, as a handler sees it: its second parameter."""

    def __init__(self, worker: "Worker", message: Mapping[str, Json]) -> None:
        self._worker = worker
        self._client = worker.client
        self._message = message
        self._lease = f"/v1/leases/{quote(str(message['lease']), safe='')}"
        self.id: str = message["task"]
        self.type: str = message["type"]
        self.attempt: int = message["attempt"]
        """Which run this is, from 1."""
        self.epoch: int = message["epoch"]
        """The fencing token: a later run of the same task has a greater one."""
        self.timeout_ms: Optional[int] = message.get("timeoutMs")
        self.deadline: Optional[str] = message.get("deadline")
        self.traceparent: Optional[str] = message.get("traceparent")
        self.cancelled = threading.Event()
        """Set when nobody wants the outcome any more: cancelled, timed out, or given to another worker."""
        self.cancel_reason: Optional[str] = None

    @property
    def payload(self) -> Json:
        return self._client._content(self._message.get("payload"), self._message.get("payloadBlob"))

    @property
    def dependencies(self) -> Dict[str, Json]:
        """By the id of each dependency: its result."""
        found = self._message.get("dependencies") or {}
        return {
            task_id: self._client._content(given.get("result"), given.get("resultBlob")) for task_id, given in found.items()
        }

    @property
    def checkpoint(self) -> Json:
        """What an attempt before this one saved last; None: nothing. What is no JSON comes as bytes."""
        blob = self._message.get("checkpointBlob")
        if blob is None:
            return None
        _, content = self._client._api.bytes("GET", f"/v1/blobs/{blob['hash']}", query={"bytes": blob["bytes"]})
        try:
            return json.loads(content.decode())
        except ValueError:
            return content

    def save_checkpoint(self, value: Json) -> None:
        """Saves where the run stands, in place of what was saved before: the next attempt, on whatever node, finds it in
        `checkpoint`, also if this computer is lost. It takes some disk writes.

        :param value: anything that JSON can carry; or bytes, which come back as bytes unless they are JSON
        :raises LeaseLost: the task is not this worker's any more: stop
        :raises HearsayError: TooLargeError (256 MiB), DiskFullError
        """
        content = bytes(value) if isinstance(value, (bytes, bytearray)) else _to_json(value).encode()
        self._renewed(self._client._api.raw("POST", f"{self._lease}/checkpoint", content))

    def progress(self, fraction: float, message: Optional[str] = None) -> None:
        """Says how far the run is, 0 to 1."""
        body = {"fraction": fraction} if message is None else {"fraction": fraction, "message": message}
        self._renewed(self._client._api.value("POST", f"{self._lease}/progress", body))

    def log(self, *values: object) -> None:
        """Adds a line to the task's log, as `print` would write it."""
        text = " ".join(str(value) for value in values)
        self._renewed(self._client._api.value("POST", f"{self._lease}/logs", {"lines": text.split("\n")}))

    def check(self) -> None:
        """Raises `Cancelled` if nobody wants the outcome any more."""
        if self.cancelled.is_set():
            raise Cancelled(self.cancel_reason or "cancelled")

    def _renewed(self, answer: Optional[Mapping[str, Json]]) -> None:
        if answer and answer.get("cancelled"):
            self._cancel(str(answer.get("reason") or "cancelled"))

    def _cancel(self, reason: str) -> None:
        if not self.cancelled.is_set():
            self.cancel_reason = reason
            self.cancelled.set()

    def _complete(self, result: Json) -> None:
        content = _to_json(result).encode()
        if len(content) <= _INLINE_BYTES_MAX:
            self._end("complete", {"result": result})
        else:
            stored = self._client._api.raw("PUT", "/v1/blobs", content)
            self._end("complete", {"resultBlob": {"hash": stored["hash"], "bytes": stored["bytes"]}})

    def _fail(self, error: BaseException, retryable: bool, retry_after_s: Optional[float] = None) -> None:
        body: Dict[str, Json] = {
            "error": {"name": type(error).__name__[:128], "message": str(error)[:1000] or type(error).__name__},
            "retryable": retryable,
        }
        if retry_after_s is not None:
            body["retryAfterMs"] = round(retry_after_s * 1000)
        self._end("fail", body)

    def _release(self) -> None:
        self._end("release", {})

    def _end(self, how: str, body: Json) -> None:
        try:
            # The same end told twice is taken once.
            if not self._worker._tell_end(self._message["lease"], how, body):
                self._client._api.value("POST", f"{self._lease}/{how}", body)
        except (LeaseLost, LeaseEnded) as error:
            # Somebody else has the task by now, or it was cancelled: there is nothing left to say about it.
            self._cancel(error.name)


Handler = Callable[..., Json]


class Worker:
    """Runs functions for tasks of the cluster, as long as `run` runs.

    With one slot, functions are called on the thread that called `run` (what insists on the main thread works there);
    with more, on threads of their own.

    :param slots: tasks that may run at a time
    :param labels: what tasks may ask for, such as {"gpu": "1"}
    :param name: how the worker is shown; default: the program's name and process id
    """

    def __init__(
        self, client: Client, slots: int = 1, labels: Optional[Mapping[str, str]] = None, name: Optional[str] = None
    ) -> None:
        if slots < 1:
            raise ValueError(f"slots cannot be {slots}: give 1 or more")
        self.client = client
        self.slots = slots
        self.labels = dict(labels or {})
        self.name = name or f"{_program()}-{os.getpid()}"
        self._handlers: Dict[str, Tuple[Handler, bool]] = {}
        self._running: Dict[str, Task] = {}
        self._lock = threading.Lock()
        self._connection: Optional[_UnixConnection] = None
        self._path: Optional[str] = None
        self._ends: Optional[_Ends] = None
        self._stops = 0
        self._stopped = threading.Event()
        self._connected = threading.Event()

    def task(self, type: str, handler: Optional[Handler] = None) -> Callable[[Handler], Handler]:
        """Has a function run the tasks of a type; as a decorator, or with the function given.

        It is called with the payload, or, if it has two parameters, with the payload and the `Task`. What it returns is
        the result. If it raises, the attempt has failed, and is tried again as the task's options say; `NonRetryable`
        and `RetryAfter` say otherwise.
        """

        def register(function: Handler) -> Handler:
            self._handlers[type] = (function, _takes_task(function))
            return function

        return register if handler is None else register(handler)  # type: ignore[return-value]

    def run(self, signals: bool = True) -> None:
        """Works until `stop`, or until Ctrl-C or SIGTERM: takes no more then, and returns when what runs has ended.
        The second time, what runs is given back at once.

        If the node goes away meanwhile, what ran is lost to others, and the worker connects again when the node is back.

        :param signals: listen for SIGINT and SIGTERM; only the main thread can
        :raises NoNode: the node is not there at the start
        :raises HearsayError: it refused the worker
        """
        if not self._handlers:
            raise ValueError('a worker needs something to do: @worker.task("type") registers a function')
        before = self._listen() if signals and threading.current_thread() is threading.main_thread() else {}
        try:
            self._work()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def start(self) -> threading.Thread:
        """Runs on a thread of its own; returns when the worker is connected. End it with `stop`, then `join`."""
        failed: List[BaseException] = []

        def work() -> None:
            try:
                self._work()
            except BaseException as error:
                failed.append(error)
                if self._connected.is_set():
                    traceback.print_exc()
                self._connected.set()

        thread = threading.Thread(target=work, name=f"hearsay {self.name}", daemon=True)
        thread.start()
        self._connected.wait()
        if failed:
            raise failed[0]
        return thread

    def stop(self) -> None:
        """Takes no more tasks, and lets those that run finish. Called again, gives these back, too."""
        with self._lock:
            self._stops += 1
            stops, path = self._stops, self._path
            running = list(self._running.values()) if stops > 1 else []
        self._stopped.set()
        for task in running:
            task._cancel("WorkerStops")
        if path is None:
            return
        api = self.client._api
        try:
            if stops == 1:
                api.value("POST", f"{path}/drain")
            else:
                api.value("DELETE", path)
        except HearsayError:
            # The session has ended by itself.
            pass

    def _listen(self) -> Dict[int, Any]:
        # A handler of a signal runs between two instructions of this very thread, which may hold a lock or a connection.
        def on_signal(_number: int, _frame: object) -> None:
            threading.Thread(target=self.stop, daemon=True).start()

        return {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}

    def _work(self) -> None:
        self._session()
        pause_s = _AGAIN_S_MIN
        while self._stops == 0:
            print(f"hearsay: {self.name} has lost its node, and looks for it every {pause_s:g} s", file=sys.stderr)
            if self._stopped.wait(pause_s):
                return
            pause_s = min(_AGAIN_S_MAX, pause_s * 2)
            try:
                self._session()
                pause_s = _AGAIN_S_MIN
            except HearsayError as error:
                if error.name not in ("NoNodeError", "NodeClosedError"):
                    raise

    def _session(self) -> None:
        """Works until the session ends, whoever ended it. Raises what the node says when it refuses the worker."""
        asked = {"types": sorted(self._handlers), "slots": self.slots, "name": self.name, "labels": self.labels}
        connection, response = self.client._api.stream("POST", "/v1/workers", asked)
        inbox: "queue.SimpleQueue[Union[Task, BaseException, None]]" = queue.SimpleQueue()
        reader = threading.Thread(target=self._read, args=(response, inbox), daemon=True)
        reader.start()
        try:
            self._ends = self.client._api.ends()
        except HearsayError:
            # The node is older, or gone: each end is a request of its own.
            self._ends = None
        try:
            if self.slots == 1:
                self._serve(inbox, self._run_one)
            else:
                with ThreadPoolExecutor(self.slots, "hearsay task") as pool:
                    self._serve(inbox, lambda task: pool.submit(self._run_one, task))
        finally:
            # Not closed before what runs has ended: the node takes a closed connection for a dead worker.
            _hang_up(connection)
            if self._ends is not None:
                self._ends.close()
            reader.join()
            with self._lock:
                self._path = None

    def _serve(self, inbox: "queue.SimpleQueue[Union[Task, BaseException, None]]", begin: Callable[[Task], Any]) -> None:
        while True:
            given = inbox.get()
            if given is None:
                return
            if isinstance(given, BaseException):
                raise given
            begin(given)

    def _read(
        self, response: http.client.HTTPResponse, inbox: "queue.SimpleQueue[Union[Task, BaseException, None]]"
    ) -> None:
        """Reads what the node says, until it ends the session."""
        try:
            while True:
                line = response.readline()
                if not line:
                    break
                if line.strip():
                    self._take(json.loads(line), inbox)
            inbox.put(None)
        except (OSError, ValueError, http.client.HTTPException, AttributeError, NoNode):
            # The node is gone.
            inbox.put(None)
        except HearsayError as error:
            inbox.put(error)
        finally:
            self._connected.set()
            # Without its session the worker has lost what it ran: others may run it by now.
            with self._lock:
                running = list(self._running.values())
            for task in running:
                task._cancel("SessionEnded")

    def _take(
        self, message: Mapping[str, Json], inbox: "queue.SimpleQueue[Union[Task, BaseException, None]]"
    ) -> None:
        if "task" in message:
            task = Task(self, message)
            with self._lock:
                self._running[message["lease"]] = task
            inbox.put(task)
        elif "cancel" in message:
            with self._lock:
                cancelled = self._running.get(message["cancel"])
            if cancelled is not None:
                cancelled._cancel(str(message.get("reason") or "cancelled"))
        elif "worker" in message:
            with self._lock:
                self._path = f"/v1/workers/{quote(str(message['worker']), safe='')}"
                stops = self._stops
            self._connected.set()
            if stops > 0:
                self.client._api.value("POST", f"{self._path}/drain")
        elif "error" in message:
            raise _error_of(500, _to_json(message).encode())

    def _tell_end(self, lease: str, how: str, body: Json) -> bool:
        ends = self._ends
        if ends is None:
            return False
        try:
            ends.tell(lease, how, body)
            return True
        except NoNode:
            self._ends = None
            return False

    def _run_one(self, task: Task) -> None:
        try:
            self._outcome(task)
        except NoNode:
            # The node is gone, and the lease with it: the reader of the session says so.
            task._cancel("SessionEnded")
        except HearsayError as error:
            print(f"hearsay: the outcome of {task.id} was refused: {error}", file=sys.stderr)
            self._refused(task, error)
        finally:
            with self._lock:
                self._running.pop(task._message["lease"], None)

    def _refused(self, task: Task, error: HearsayError) -> None:
        try:
            task._fail(error, retryable=False)
        except HearsayError:
            # Neither outcome is taken: the node ends the lease in time.
            pass

    def _outcome(self, task: Task) -> None:
        handler, takes_task = self._handlers[task.type]
        try:
            if task.cancelled.is_set():
                raise Cancelled(task.cancel_reason)
            result = handler(task.payload, task) if takes_task else handler(task.payload)
            content_error = _cannot_travel(result)
        except Cancelled:
            task._release()
        except RetryAfter as again:
            task._fail(again, retryable=True, retry_after_s=again.seconds)
        except NonRetryable as error:
            task._fail(error.__cause__ or error, retryable=False)
        except HearsayError as error:
            if isinstance(error, (LeaseLost, LeaseEnded, NoNode)):
                raise
            task._fail(error, retryable=True)
        except Exception as error:
            self._told(task, error)
            task._fail(error, retryable=True)
        else:
            if task.cancelled.is_set():
                # It was told to stop: what it returns may be half of what it would have been.
                task._release()
            elif content_error is not None:
                task._fail(content_error, retryable=False)
            else:
                task._complete(result)

    def _told(self, task: Task, error: Exception) -> None:
        """Where it was raised is worth a look; the record has room for the message alone."""
        try:
            task.log("".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip())
        except HearsayError:
            pass


def _hang_up(connection: http.client.HTTPConnection) -> None:
    # A reader in another thread waits in this connection: closing alone would not wake it.
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
    connection.close()


class ResultRejected(TypeError):
    """A handler returned what JSON cannot carry."""


def _cannot_travel(result: Json) -> Optional[ResultRejected]:
    try:
        _to_json(result)
        return None
    except (TypeError, ValueError, RecursionError) as error:
        return ResultRejected(f"the result cannot be sent as JSON ({error}): return None, text, numbers, lists, dicts")


def _program() -> str:
    """What this program is called, in letters that the name of a worker may have."""
    stem = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] != "-c" else ""
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._-]", "", stem)[:16] or "python"


def _takes_task(function: Handler) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) >= 2 or any(p.kind == p.VAR_POSITIONAL for p in parameters)
