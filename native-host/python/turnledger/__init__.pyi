"""Privacy-safe analytics events of coding-agent sessions.

No event, note or error has a prompt, an answer, an output, a command or a path of a session.
"""

from os import PathLike
from typing import Any, Dict, Iterable, Iterator, List, Literal, Optional, Union

__all__ = ["Error", "Events", "Parts", "Session", "arrow_schema", "attribute", "import_rollout", "replay"]

__version__: str

_Transport = Literal["stdio", "websocket", "in-process"]
_Direction = Literal["client_to_server", "server_to_client"]

class Error(Exception):
    """Input that cannot be used: what is wrong, and where, in one line, and nothing of its content."""

    events: Events
    """Of `replay` and `import_rollout`: what the good lines gave. Absent elsewhere."""

class Events:
    """Events, in the order in which they came about."""

    def __len__(self) -> int: ...
    @staticmethod
    def concat(all: List[Events]) -> Events:
        """All of them, one behind the other: to make one batch of many short sessions is quicker."""

    @property
    def nbytes(self) -> int:
        """The length of `to_json()`."""

    @property
    def notes(self) -> List[str]:
        """What was wrong with lines, as the program says it: where, and why."""

    def to_json(self) -> bytes:
        """The events as the program writes them: JSON, one a line."""

    def to_dicts(self) -> List[Dict[str, Any]]:
        """The events as dicts."""

    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object:
        """The events as record batches: `pyarrow.table(events)`. docs/parquet.md has the columns."""

class _ArrowSchema:
    def __arrow_c_schema__(self) -> object: ...

def arrow_schema() -> _ArrowSchema:
    """The schema of all events: `pyarrow.schema(arrow_schema())`."""

def replay(
    data: Union[bytes, bytearray],
    *,
    remote: Optional[str] = None,
    transport: _Transport = "stdio",
    git: bool = True,
    key: Optional[bytes] = None,
    strict: bool = True,
) -> Events:
    """The events of a recording, plain or packed, as `turnledger replay` writes them.

    `remote` is the URL of the sessions' repository; without it, the recording says it, or, with `git`, Git is asked about
    the sessions' folders on this machine. `key` is the organisation's, for the hashes. With `strict`, a bad line raises
    `Error` once all is read; without it, `notes` tell of bad lines.
    """

def import_rollout(data: Union[bytes, bytearray], *, key: Optional[bytes] = None, strict: bool = True) -> Events:
    """The events of a rollout, plain or packed, as `turnledger import` writes them. The options are those of `replay`."""

class Parts(Iterator[Events]):
    """A recording or a rollout, as its content says, a part at a time: a session of any length takes little memory.

    The events come in the order of the lines; `import_rollout` sorts them by time. Bad lines raise nothing: the parts'
    `notes` tell of them. Raises `Error` for what cannot be read, and for what is neither.
    """

    def __new__(
        cls,
        source: Union[bytes, bytearray, str, PathLike[str]],
        *,
        name: Optional[str] = None,
        remote: Optional[str] = None,
        transport: _Transport = "stdio",
        git: bool = True,
        key: Optional[bytes] = None,
    ) -> Parts: ...
    def __iter__(self) -> Parts: ...
    def __next__(self) -> Events: ...

class Session:
    """A session that goes on: of an app-server by `observe` and `ingest`, or of a rollout by `import_line`.

    Times are Unix milliseconds. Threads may share a session, and wait for one another.
    """

    def __new__(
        cls,
        *,
        remote: Optional[str] = None,
        transport: _Transport = "stdio",
        git: bool = True,
        key: Optional[bytes] = None,
    ) -> Session: ...
    @staticmethod
    def restore(
        snapshot: str, *, remote: Optional[str] = None, git: bool = True, key: Optional[bytes] = None
    ) -> Session:
        """Goes on from a snapshot as if there had been no break. Raises `Error` for what is none."""

    def observe(self, at_ms: int, connection: int, direction: _Direction, message: Union[bytes, bytearray]) -> Events:
        """Takes a message. Raises `Error` if it cannot be read; the session goes on."""

    def ingest(self, at_ms: int, fact: Union[bytes, bytearray]) -> Events:
        """Takes a fact, which is JSON as docs/contract/facts.md has it. Raises `Error` if it is none."""

    def import_line(self, line: Union[bytes, bytearray]) -> Events:
        """Takes a rollout's next line. Raises `Error` if it cannot be read; the session goes on."""

    def tick(self, at_ms: int) -> Events:
        """Takes note that nothing came until then: what has been idle for too long is given up."""

    def finish(self, at_ms: int = 0) -> Events:
        """Ends the session: what waited yields what is known of it. A rollout has its own time."""

    def snapshot(self) -> str:
        """The state, to go on from later. It holds hashes, ids and counts. Raises `Error` for a rollout's session."""

    @property
    def next_deadline(self) -> Optional[int]:
        """When something expires next, by the clock that the session was told; None if nothing is held."""

    @property
    def time_left(self) -> Optional[int]:
        """How long nothing may come until then, in milliseconds, whatever the clock showed; None if nothing is held."""

    @property
    def discards(self) -> Dict[str, int]:
        """What yielded no event: how often, by what it was and why."""

def attribute(
    events: Iterable[Union[Events, str, PathLike[str]]],
    revisions: str,
    *,
    repo: Union[str, PathLike[str], None] = None,
    any_repository: bool = False,
    key: Optional[bytes] = None,
    strict: bool = True,
) -> Dict[str, Any]:
    """Which lines of commits match lines that an agent wrote: the report of `turnledger attribute --format json`.

    `events` are events that were read here, or files and folders of events, recordings and rollouts. `revisions` is a
    commit or a range. Without `strict`, bad lines are passed over.
    """
