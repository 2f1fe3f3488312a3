"""Sessions on Spark: files become events in a batch, rows of messages become events in a stream.

docs/spark.md says what to set. The driver and each executor need the wheel with its extra `spark`.
"""

from __future__ import annotations

import heapq
import json
import os
import sys
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple, Union

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming import StatefulProcessor
from pyspark.sql.types import StructType

from . import Error, Events, Parts, Session, arrow_schema

__all__ = ["MESSAGES", "contents", "day", "events", "find", "schema", "stream"]

MESSAGES = (
    "session string, sequence bigint, at_ms bigint, connection bigint, direction string, message string"
)
"""The rows that `stream` takes. A row whose message is null ends its session; one without a number or a time is passed over."""

_ENDINGS = tuple(name + packed for name in (".jsonl", ".ndjson", ".json") for packed in ("", ".gz", ".zst"))

_BATCH_BYTES = 4 << 20
"""About how much an executor hands on at once."""

_STATE = "snapshot string, last bigint, missing string, clock bigint, timer bigint"

_MOST_GAPS = 64
"""How many gaps in a session's numbers are remembered. A line that fills an older one counts as repeated."""

_REMEMBERED_MS = 24 * 3600 * 1000
"""How long an ended session is remembered, so that repeated lines of it begin no new one."""


def schema() -> StructType:
    """The columns of events: those of docs/parquet.md."""
    return from_arrow_schema(pa.schema(arrow_schema()))


def day(time: str = "time") -> Column:
    """The day of UTC, whatever the session's time zone: what Parquet files are partitioned by."""
    return F.date_add(F.lit("1970-01-01").cast("date"), F.floor(F.unix_millis(time) / 86_400_000).cast("int"))


def find(*paths: str) -> List[Tuple[str, int]]:
    """The files that may be sessions, each with its bytes: those that are named, and those in folders by their names."""
    found = []
    for path in paths:
        if not os.path.isdir(path):
            found.append((path, os.path.getsize(path)))
        for folder, _, names in os.walk(path):
            files = (os.path.join(folder, name) for name in sorted(names) if name.endswith(_ENDINGS))
            found.extend((file, size) for file in files if (size := _size(file)) is not None)
    return found


def _size(file: str) -> Optional[int]:
    """A file's bytes; none if it is gone, or leads nowhere."""
    try:
        return os.path.getsize(file)
    except OSError:
        return None


def _dealt(files: Iterable[Tuple[str, int]], parts: int) -> List[List[str]]:
    """The files in parts of about the same bytes, the longest first: a long one does not come last."""
    heap: List[Tuple[int, int]] = [(0, part) for part in range(parts)]
    dealt: List[List[str]] = [[] for _ in range(parts)]
    for path, size in sorted(files, key=lambda file: -file[1]):
        held, part = heapq.heappop(heap)
        dealt[part].append(path)
        heapq.heappush(heap, (held + size + 4096, part))
    return [part for part in dealt if part]


def events(
    spark: SparkSession,
    *paths: str,
    partitions: Optional[int] = None,
    strict: bool = False,
    **options: Any,
) -> DataFrame:
    """The events of recordings and rollouts: files and folders that the driver and all executors see by these names.

    Each file is a session, and is what its content says, packed or not. It is read by one task, a part at a time.
    `partitions` is how many tasks there are; by default one for 128 MiB, at least four for each core. What cannot be used
    is told in the executor's log as the program tells it; with `strict` it fails the job. Further options are those of
    `Parts`.
    """
    files = find(*paths)
    cores = spark.sparkContext.defaultParallelism
    wanted = partitions or max(4 * cores, sum(size for _, size in files) >> 27)
    dealt = _dealt(files, max(1, min(wanted, len(files)))) or [[]]
    rows = [(number, path) for number, part in enumerate(dealt) for path in part]
    paths = spark.createDataFrame(rows, "part int, path string").repartitionById(len(dealt), "part")
    options.setdefault("git", False)
    return paths.select("path").mapInArrow(_Files(strict, options), schema())


def contents(files: DataFrame, *, strict: bool = False, **options: Any) -> DataFrame:
    """The events of a table with columns `path` and `content`, as `spark.read.format("binaryFile")` reads a store of
    objects. Each content is in memory as a whole; the arguments are those of `events`.
    """
    options.setdefault("git", False)
    return files.select("path", "content").mapInArrow(_Files(strict, options), schema())


class _Files:
    """What an executor does with its part of the files."""

    def __init__(self, strict: bool, options: Dict[str, Any]) -> None:
        self.strict, self.options = strict, options

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        waiting: List[Events] = []
        held = 0
        for batch in batches:
            names = batch.column(0).to_pylist()
            stored = batch.column(1).to_pylist() if batch.num_columns > 1 else names
            for name, source in zip(names, stored):
                for part in self._parts(name, source):
                    waiting.append(part)
                    held += part.nbytes
                    if held >= _BATCH_BYTES:
                        yield from _table(Events.concat(waiting)).to_batches()
                        waiting, held = [], 0
        yield from _table(Events.concat(waiting)).to_batches()

    def _parts(self, name: str, source: Union[str, bytes]) -> Iterator[Events]:
        try:
            for part in Parts(source, name=name, **self.options):
                for note in part.notes:
                    self._tell(note)
                if len(part):
                    yield part
        except Error as error:
            self._tell(str(error))

    def _tell(self, note: str) -> None:
        if self.strict:
            raise RuntimeError(note)
        print(f"turnledger: {note}", file=sys.stderr)


def _table(events: Events) -> pa.Table:
    """The events with the times of Spark: microseconds."""
    table = pa.table(events)
    place = table.schema.get_field_index("time")
    return table.set_column(place, "time", table.column(place).cast(pa.timestamp("us", "UTC")))


def stream(messages: DataFrame, **options: Any) -> DataFrame:
    """The events of interleaved sessions, whose messages are rows with the columns of `MESSAGES`.

    `sequence` counts a session's lines. A line that was seen is passed over. One that comes late is taken when it comes,
    and one that never comes is missing, as the core has it. A session's state is the core's snapshot; it is given up when
    nothing in it can come to anything, by `next_deadline`. Further options are those of `Session`.
    """
    options.setdefault("git", False)
    # A line that is not JSON becomes a row of nulls, which must not end a session.
    placed = (F.col("sequence") >= 0) & (F.col("at_ms") >= 0)
    said = F.col("message").isNull() | (F.col("direction").isNotNull() & (F.col("connection") >= 0))
    rows = messages.where(F.col("session").isNotNull() & placed & said).groupBy("session")
    return rows.transformWithState(_Sessions(options), schema(), "Append", "ProcessingTime")


class Gaps:
    """Which numbers of a session's lines were seen: all up to `last` but those in gaps."""

    def __init__(self, last: Optional[int] = None, missing: Optional[List[List[int]]] = None) -> None:
        self.last, self.missing = (-1 if last is None else last), missing or []

    def is_new(self, number: int) -> bool:
        """Takes note of a number; says whether it is new."""
        if number > self.last:
            if number > self.last + 1:
                self.missing = [*self.missing, [self.last + 1, number - 1]][-_MOST_GAPS:]
            self.last = number
            return True
        for place, (start, end) in enumerate(self.missing):
            if start <= number <= end:
                left = [[start, number - 1], [number + 1, end]]
                self.missing[place : place + 1] = [gap for gap in left if gap[0] <= gap[1]]
                return True
        return False


class _Sessions(StatefulProcessor):
    """The sessions of a stream, one a key."""

    def __init__(self, options: Dict[str, Any]) -> None:
        self.options = options

    def init(self, handle: Any) -> None:
        self.handle = handle
        self.state = handle.getValueState("session", _STATE)

    def handleInputRows(self, key: Any, rows: Iterator[Row], timerValues: Any) -> Iterator[Row]:
        snapshot, last, missing, clock, timer = self._saved()
        gaps = Gaps(last, json.loads(missing) if missing else None)
        session: Optional[Session] = None
        is_over = last is not None and snapshot is None
        out: List[Row] = []
        for row in sorted(rows, key=lambda row: row.sequence):
            if is_over or not gaps.is_new(row.sequence):
                continue
            session = session or self._session(key, snapshot)
            clock = max(clock or 0, row.at_ms)
            if row.message is None:
                out += _rows(session.finish(clock))
                is_over = True
                continue
            try:
                out += _rows(session.observe(row.at_ms, row.connection, row.direction, row.message.encode()))
            except Error as error:
                print(f"turnledger: session {key[0]}, line {row.sequence}: {error}", file=sys.stderr)
        if session is not None:
            self._keep(None if is_over else session, gaps, clock, timer, timerValues)
        return iter(out)

    def handleExpiredTimer(self, key: Any, timerValues: Any, expiredTimerInfo: Any) -> Iterator[Row]:
        snapshot, last, missing, clock, _ = self._saved()
        if snapshot is None:
            self.state.clear()
            return iter(())
        session = self._session(key, snapshot)
        # The session's own clock, which may be that of a recording.
        clock = session.next_deadline or clock
        out = _rows(session.tick(clock))
        if session.next_deadline is None:
            self.state.clear()
        else:
            self._keep(session, Gaps(last, json.loads(missing)), clock, None, timerValues)
        return iter(out)

    def close(self) -> None:
        pass

    def _saved(self) -> Tuple[Any, ...]:
        return (self.state.get() if self.state.exists() else None) or (None,) * 5

    def _session(self, key: Any, snapshot: Optional[str]) -> Session:
        options = {name: self.options[name] for name in self.options if name != "transport"}
        try:
            return Session(**self.options) if snapshot is None else Session.restore(snapshot, **options)
        except Error as error:
            # Another version wrote it, or another key is in use: what was open is unknown.
            print(f"turnledger: session {key[0]} starts anew: {error}", file=sys.stderr)
            return Session(**self.options)

    def _keep(self, session: Optional[Session], gaps: Gaps, clock: Any, timer: Optional[int], now: Any) -> None:
        """Keeps a session's state until it expires; of one that is over, that it is over."""
        if timer is not None:
            self.handle.deleteTimer(timer)
        # By the core's clock: a single message's may be wrong.
        left = session.time_left if session else None
        wait = _REMEMBERED_MS if left is None else max(left, 1)
        timer = now.getCurrentProcessingTimeInMs() + wait
        self.handle.registerTimer(timer)
        snapshot = session.snapshot() if session else None
        self.state.update((snapshot, gaps.last, json.dumps(gaps.missing), clock, timer))


def _rows(events: Events) -> List[Row]:
    return [Row(**event) for event in _table(events).to_pylist()] if len(events) else []
