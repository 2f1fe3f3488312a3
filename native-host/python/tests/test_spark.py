"""On Spark, with two workers, sessions give the events that the program gives on one machine.

SESSIONS is how many there are.
"""

import collections
import json
import os
import pathlib
import resource
import signal
import tempfile
import threading
import time
import types
import unittest

import pyspark
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

import sessions
import turnledger
from turnledger import spark as sessions_on_spark

COUNT = int(os.environ.get("SESSIONS", "300"))
AGAIN = 10
STREAMED = min(COUNT // 5, 400)


def counted(frame):
    """How often each event is there."""
    rows = frame.select("type", "event_params").collect()
    return collections.Counter((row.type, row.event_params) for row in rows)


def executors():
    """The processes of the workers."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"CoarseGrainedExecutorBackend" in command and OURS.encode() in command:
            found.append(int(process.name))
    return sorted(found)


def processor_seconds():
    """What the workers, with their Python, have used of processors."""
    parents, used = {}, {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            members = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(process.name)] = int(members[1])
        # Its own, and that of its children that have ended.
        used[int(process.name)] = sum(map(int, members[11:15])) / os.sysconf("SC_CLK_TCK")
    ours = set(executors())
    while more := {process for process, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(used[process] for process in ours)


OURS = f"turnledger-{os.getpid()}"


class OnSpark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["SPARK_HOME"] = str(pathlib.Path(pyspark.__file__).parent)
        cls.folder = tempfile.TemporaryDirectory(prefix="turnledger-spark-")
        cls.home = pathlib.Path(cls.folder.name)
        sessions.make(cls.home / "sessions", COUNT)
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        lines, cls.replayed = sessions.program("replay", "--quiet", cls.home / "sessions/recordings")
        imported, cls.imported = sessions.program(
            "import", "--quiet", "--output", cls.home / "imported.jsonl", cls.home / "sessions/rollouts"
        )
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        cls.seconds = ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime
        lines += (cls.home / "imported.jsonl").read_bytes()
        cls.expected = sessions.counted(lines)
        cls.spark = (
            SparkSession.builder.master("local-cluster[2,1,1024]")
            .appName("turnledger")
            .config("spark.executor.memory", "768m")
            .config("spark.executor.extraJavaOptions", f"-Dturnledger.test={OURS}")
            .config("spark.executor.instances", "2")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.log.level", "ERROR")
            .config("spark.local.dir", str(cls.home / "local"))
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            # Else a stream of what is there goes on for ever: it waits for its timers.
            .config("spark.sql.streaming.noDataMicroBatches.enabled", "false")
            .config(
                "spark.sql.streaming.stateStore.providerClass",
                "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
            )
            .getOrCreate()
        )

    @classmethod
    def tearDownClass(cls):
        cls.spark.stop()
        cls.folder.cleanup()

    def test_1_files(self):
        self.assertEqual((self.replayed, self.imported), (1, 1), "some sessions are broken")
        frame = sessions_on_spark.events(self.spark, str(self.home / "sessions"))
        self.assertEqual(frame.schema, sessions_on_spark.schema())
        ours = counted(frame)
        self.assertEqual(ours - self.expected, collections.Counter())
        self.assertEqual(self.expected - ours, collections.Counter())
        # Often enough that a job's start counts little.
        again = [str(self.home / "sessions")] * AGAIN
        begun, used = time.perf_counter(), processor_seconds()
        sessions_on_spark.events(self.spark, *again).write.format("noop").mode("overwrite").save()
        seconds, used = time.perf_counter() - begun, processor_seconds() - used
        print(
            f"{COUNT} sessions, {self.expected.total()} events; sessions for each second of a processor: "
            f"the program {COUNT / self.seconds:.0f}, Spark {AGAIN * COUNT / used:.0f} "
            f"({AGAIN} times the same in {seconds:.1f} s)"
        )

    def test_2_a_killed_worker_changes_nothing(self):
        workers = executors()
        self.assertEqual(len(workers), 2)
        killed = []

        def kill():
            tracker = self.spark.sparkContext.statusTracker()
            while not killed:
                for stage in tracker.getActiveStageIds():
                    info = tracker.getStageInfo(stage)
                    if info and 2 <= info.numCompletedTasks < info.numTasks - 2:
                        os.kill(workers[0], signal.SIGKILL)
                        killed.append(workers[0])
                time.sleep(0.005)

        thread = threading.Thread(target=kill, daemon=True)
        thread.start()
        ours = counted(sessions_on_spark.events(self.spark, str(self.home / "sessions"), partitions=40))
        killed.append(0)
        thread.join()
        self.assertEqual(killed[0], workers[0], "the worker was killed within the job")
        self.assertEqual(ours, self.expected)

    def test_3_parquet_by_day(self):
        to = str(self.home / "events")
        frame = sessions_on_spark.events(self.spark, str(self.home / "sessions"))
        frame.withColumn("day", sessions_on_spark.day()).write.partitionBy("day").parquet(to)
        read = self.spark.read.parquet(to)
        self.assertEqual(counted(read), self.expected)
        wrong = read.where(F.date_format("time", "yyyy-MM-dd") != F.date_format("day", "yyyy-MM-dd"))
        self.assertEqual(wrong.count(), 0)

    def test_4_a_table_of_contents(self):
        files = (
            self.spark.read.format("binaryFile")
            .option("recursiveFileLookup", "true")
            .load(str(self.home / "sessions"))
        )
        self.assertEqual(counted(sessions_on_spark.contents(files)), self.expected)

    def test_4_strict_fails(self):
        with self.assertRaisesRegex(Exception, r"\.jsonl(\.zst|\.gz)?:\d+: "):
            sessions_on_spark.events(self.spark, str(self.home / "sessions"), strict=True).collect()

    def messages(self, folder, files):
        """Interleaved sessions in files; lines come again. Returns the events that the program makes of them."""
        texts, expected = {}, collections.Counter()
        for number in range(STREAMED):
            path = sessions.RECORDINGS[number % len(sessions.RECORDINGS)]
            text = sessions.renamed(path.read_bytes(), number)
            texts[f"session-{number}"] = sessions.rows(text, f"session-{number}")
            expected += sessions.counted(turnledger.replay(text).to_json())
        interleaved, places = [], {name: 0 for name in texts}
        while places:
            for name in list(places):
                start = places[name]
                rows = texts[name][start : start + 20]
                # The last ones of the piece before come again.
                interleaved += texts[name][max(0, start - 3) : start] + rows
                places[name] += 20
                if places[name] >= len(texts[name]):
                    del places[name]
        folder.mkdir()
        per_file = len(interleaved) // files + 1
        for number, start in enumerate(range(0, len(interleaved), per_file)):
            lines = "".join(json.dumps(row) + "\n" for row in interleaved[start : start + per_file])
            # Cut lines become rows of nulls: they end nobody's session, and no query.
            (folder / f"{number:04}.json").write_text('{"session": "session-0", "sequ\n{"session": "sess\n' + lines)
        return expected

    def test_5_a_stream_that_is_stopped_and_goes_on(self):
        folder, to = self.home / "messages", str(self.home / "streamed")
        expected = self.messages(folder, 6)

        def start(**trigger):
            messages = (
                self.spark.readStream.schema(sessions_on_spark.MESSAGES)
                .option("maxFilesPerTrigger", 1)
                .json(str(folder))
            )
            return (
                sessions_on_spark.stream(messages)
                .writeStream.format("parquet")
                .option("path", to)
                .option("checkpointLocation", str(self.home / "checkpoint"))
                .trigger(**trigger)
                .start()
            )

        query = start(processingTime="0 seconds")
        while len(query.recentProgress) < 2 and query.isActive:
            time.sleep(0.05)
        query.stop()
        before = counted(self.spark.read.parquet(to))
        self.assertTrue(0 < before.total() < expected.total(), "it was stopped in between")
        query = start(availableNow=True)
        query.awaitTermination()
        ours = counted(self.spark.read.parquet(to))
        self.assertEqual(ours - expected, collections.Counter())
        self.assertEqual(expected - ours, collections.Counter())
        print(f"{STREAMED} streamed sessions, {expected.total()} events, {before.total()} before the stop")


class Processor(unittest.TestCase):
    """The processor of a stream, with a state of its own."""

    def setUp(self):
        self.state, self.timers = [None], set()
        value = types.SimpleNamespace(
            exists=lambda: self.state[0] is not None,
            get=lambda: self.state[0],
            update=lambda state: self.state.__setitem__(0, state),
            clear=lambda: self.state.__setitem__(0, None),
        )
        handle = types.SimpleNamespace(
            getValueState=lambda name, schema: value,
            registerTimer=self.timers.add,
            deleteTimer=self.timers.remove,
        )
        self.processor = sessions_on_spark._Sessions({"git": False})
        self.processor.init(handle)
        self.now = types.SimpleNamespace(getCurrentProcessingTimeInMs=lambda: 1000)
        text = sessions.RECORDINGS[0].read_bytes()
        self.rows = [Row(**row) for row in sessions.rows(text, "s")]
        self.events = [event["event_params"] for event in turnledger.replay(text).to_dicts()]

    def take(self, *rows):
        return [json.loads(row.event_params) for row in self.processor.handleInputRows(("s",), iter(rows), self.now)]

    def test_lines_of_a_batch_come_in_any_order(self):
        self.assertEqual(self.take(*reversed(self.rows)), self.events)

    def test_repeated_lines(self):
        out = [event for row in self.rows for event in self.take(row, row) + self.take(row)]
        self.assertEqual(out, self.events)

    def test_late_and_missing_lines_are_as_in_the_core(self):
        order = [row for number, row in enumerate(self.rows) if number not in (5, 9, 11)]
        order.insert(10, self.rows[5])
        session = turnledger.Session(git=False)
        expected = []
        for row in order[:-1]:
            expected += session.observe(row.at_ms, row.connection, row.direction, row.message.encode()).to_dicts()
        expected += session.finish(order[-1].at_ms).to_dicts()
        out = [event for row in order for event in self.take(row)]
        self.assertEqual(out, [event["event_params"] for event in expected])

    def test_an_ended_session_is_forgotten_later(self):
        self.take(*self.rows)
        self.assertEqual(self.take(*self.rows), [])
        self.assertEqual(self.timers, {1000 + 24 * 3600 * 1000})
        self.assertEqual(list(self.processor.handleExpiredTimer(("s",), self.now, None)), [])
        self.assertEqual(self.state, [None])

    def test_state_expires_by_the_core_s_deadline(self):
        self.take(*self.rows[:-5])
        session = turnledger.Session.restore(self.state[0][0], git=False)
        clock = max(row.at_ms for row in self.rows[:-5])
        self.assertEqual(session.time_left, session.next_deadline - clock)
        self.assertEqual(self.timers, {1000 + session.time_left})
        steps = 0
        while self.state[0] is not None:
            self.timers.clear()
            list(self.processor.handleExpiredTimer(("s",), self.now, None))
            steps += 1
            self.assertLess(steps, 100)
        self.assertGreater(steps, 0)

    def test_one_wrong_clock_expires_nothing(self):
        self.take(*self.rows[:-6])
        left = turnledger.Session.restore(self.state[0][0], git=False).time_left
        wrong = self.rows[-6].asDict() | {"at_ms": self.rows[-6].at_ms * 1000}
        self.take(Row(**wrong))
        (timer,) = self.timers
        self.assertGreater(timer - 1000, left // 2)

    def test_a_snapshot_that_is_refused_starts_anew(self):
        self.take(*self.rows[:3])
        self.state[0] = ("{}", *self.state[0][1:])
        self.assertEqual(self.take(*self.rows[:4]), [])
        self.assertIsNotNone(turnledger.Session.restore(self.state[0][0], git=False))

    def test_gaps(self):
        gaps = sessions_on_spark.Gaps()
        taken = [number for number in (3, 7, 5, 5, 7, 4, 6, 6, 8, 2) if gaps.is_new(number)]
        # What comes before the first one that was seen is late, too.
        self.assertEqual((taken, gaps.last, gaps.missing), ([3, 7, 5, 4, 6, 8, 2], 8, [[0, 1]]))


if __name__ == "__main__":
    unittest.main()
