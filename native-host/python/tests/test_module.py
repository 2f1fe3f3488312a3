"""The module gives the program's bytes, and never more than an exception."""

import concurrent.futures
import importlib.metadata
import json
import pathlib
import random
import subprocess
import tempfile
import time
import unittest

import pyarrow as pa
import pyarrow.parquet

import sessions
import turnledger

AT = 1_800_000_000_000
OPENING = [
    ("client_to_server", b'{"id":0,"method":"initialize","params":{"clientInfo":{"name":"editor","version":"1"}}}'),
    ("server_to_client", b'{"id":0,"result":{"userAgent":"editor/0.131.0 (Linux 6.1; x86_64)"}}'),
    ("client_to_server", b'{"id":1,"method":"thread/start","params":{}}'),
    ("server_to_client", b'{"id":1,"result":{"thread":{"id":"thread-1"},"model":"gpt-5"}}'),
]


class SameBytes(unittest.TestCase):
    def test_recordings(self):
        self.assertGreater(len(sessions.RECORDINGS), 100)
        for path in sessions.RECORDINGS:
            lines, _ = sessions.program("replay", "--quiet", path)
            data = path.read_bytes()
            self.assertEqual(turnledger.replay(data).to_json(), lines, path)
            for stored in (path, data):
                self.assertEqual(b"".join(part.to_json() for part in turnledger.Parts(stored)), lines, path)

    def test_rollouts(self):
        self.assertGreater(len(sessions.ROLLOUTS), 50)
        for path in sessions.ROLLOUTS:
            lines, _ = sessions.program("import", "--quiet", "--output", "-", path)
            data = path.read_bytes()
            events = turnledger.import_rollout(data, strict=False)
            self.assertEqual(events.to_json(), lines, path)
            parts = b"".join(part.to_json() for part in turnledger.Parts(path))
            self.assertEqual(sessions.counted(parts), sessions.counted(lines), path)

    def test_packed(self):
        data = sessions.RECORDINGS[0].read_bytes()
        packed = pa.compress(data, codec="zstd", asbytes=True)
        self.assertEqual(turnledger.replay(packed).to_json(), turnledger.replay(data).to_json())

    def test_forms(self):
        for path in sessions.RECORDINGS[::10]:
            events = turnledger.replay(path.read_bytes())
            dicts = events.to_dicts()
            self.assertEqual(dicts, [json.loads(line) for line in events.to_json().splitlines()])
            table = pa.table(events)
            self.assertEqual(table.schema, pa.schema(turnledger.arrow_schema()))
            self.assertEqual(len(table), len(events))
            rows = [(row["type"], json.loads(row["event_params"])) for row in table.to_pylist()]
            self.assertEqual(rows, [(event["event_type"], event["event_params"]) for event in dicts])
        empty = turnledger.replay(b"")
        self.assertEqual((len(empty), empty.to_dicts(), pa.table(empty).num_rows), (0, [], 0))

    def test_arrow_columns_are_those_of_parquet(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            store = f"--store={folder / 'store.db'}"
            path = sessions.RECORDINGS[0]
            sessions.program("replay", "--quiet", store, path)
            sessions.program("store", "export", "--format", "parquet", "--output", folder / "events", store)
            files = sorted((folder / "events").glob("*/*.parquet"))
            stored = pa.concat_tables(pa.parquet.read_table(file, partitioning=None) for file in files)
            ours = pa.table(turnledger.replay(path.read_bytes()))
            self.assertEqual(ours.schema, stored.schema)
            # What only a store knows of the whole.
            known = [name for name in ours.column_names if name not in ("session_id", "repo_hash")]
            texts = lambda table: sorted(json.dumps(row, default=str) for row in table.select(known).to_pylist())
            self.assertEqual(texts(ours), texts(stored))

    def test_version(self):
        said = subprocess.run(["turnledger", "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().split()
        self.assertEqual(turnledger.__version__, said[1])
        self.assertEqual(importlib.metadata.version("turnledger"), said[1])


class Sessions(unittest.TestCase):
    def test_a_session_is_a_replay(self):
        for path in sessions.RECORDINGS[::7]:
            session = turnledger.Session()
            lines = b""
            rows = sessions.rows(path.read_bytes(), "s")
            for number, row in enumerate(rows[:-1]):
                message = row["message"].encode()
                lines += session.observe(row["at_ms"], row["connection"], row["direction"], message).to_json()
                if number % 5 == 0:
                    session = turnledger.Session.restore(session.snapshot())
            lines += session.finish(rows[-1]["at_ms"]).to_json()
            self.assertEqual(lines, turnledger.replay(path.read_bytes()).to_json(), path)

    def test_a_session_is_an_import(self):
        for path in sessions.ROLLOUTS[::7]:
            session = turnledger.Session()
            lines = b"".join(session.import_line(line).to_json() for line in sessions.load(path).splitlines())
            lines += session.finish().to_json()
            whole = turnledger.import_rollout(path.read_bytes()).to_json()
            self.assertEqual(sessions.counted(lines), sessions.counted(whole), path)

    def test_deadlines_and_discards(self):
        session = turnledger.Session()
        self.assertIsNone(session.next_deadline)
        for direction, message in OPENING[:3]:
            self.assertEqual(len(session.observe(AT, 1, direction, message)), 0)
        deadlines = [AT]
        while session.next_deadline is not None:
            self.assertGreater(session.next_deadline, deadlines[-1])
            deadlines.append(session.next_deadline)
            session.tick(deadlines[-1])
        self.assertGreater(len(deadlines), 1)
        self.assertEqual(sum(session.discards.values()), 1)

    def test_facts(self):
        session = turnledger.Session()
        with self.assertRaisesRegex(turnledger.Error, r"^this is no fact \(column \d+\)$"):
            session.ingest(AT, b'{"secret":1}')

    def test_what_is_no_snapshot(self):
        with self.assertRaises(turnledger.Error):
            turnledger.Session.restore("{}")
        session = turnledger.Session()
        with self.assertRaisesRegex(turnledger.Error, "^<line>:1: the message cannot be read at byte 2$"):
            session.import_line(b"{}")
        with self.assertRaisesRegex(turnledger.Error, "has no snapshot"):
            session.snapshot()


class Attribution(unittest.TestCase):
    def test_the_report_is_the_program_s(self):
        with tempfile.TemporaryDirectory() as folder:
            git = lambda *arguments: subprocess.run(
                ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            git("init", "--quiet")
            file = pathlib.Path(folder) / "a.txt"
            file.write_text("the first line of a file\nand the second line of it\n")
            git("add", ".")
            git("commit", "--quiet", "-m", "one")
            diff = subprocess.run(["git", "-C", folder, "show", "HEAD"], stdout=subprocess.PIPE, check=True).stdout
            made = subprocess.run(
                ["turnledger", "fingerprint", "--thread", "t", "--at", "1700000000000", "-"],
                input=diff,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            if made.returncode:
                self.fail(made.stderr.decode())
            events = pathlib.Path(folder) / "events.jsonl"
            events.write_bytes(made.stdout)
            said, _ = sessions.program(
                "attribute", "HEAD", "--quiet", "--repo", folder, "--events", events, "--format", "json"
            )
            report = turnledger.attribute([events], "HEAD", repo=folder)
            self.assertEqual(report, json.loads(said))
            self.assertEqual(report["total"]["matched"], 2)
            with self.assertRaisesRegex(turnledger.Error, "no events to compare with"):
                turnledger.attribute([turnledger.replay(b"")], "HEAD", repo=folder)


class Hostile(unittest.TestCase):
    def test_a_bad_line_is_told_and_the_good_ones_are_kept(self):
        path = sessions.RECORDINGS[0]
        data = path.read_bytes()
        bad = b'{"secret prompt\n' + data
        with self.assertRaises(turnledger.Error) as raised:
            turnledger.replay(bad)
        self.assertEqual(str(raised.exception), "<bytes>:1: not JSON (column 15)")
        self.assertEqual(raised.exception.events.to_json(), turnledger.replay(data).to_json())
        self.assertEqual(turnledger.replay(bad, strict=False).notes, ["<bytes>:1: not JSON (column 15)"])
        with self.assertRaisesRegex(turnledger.Error, "^cannot read <bytes>: it is neither a recording nor a rollout"):
            turnledger.Parts(b"secret")

    def test_mutated_sessions_in_a_pool(self):
        chance = random.Random(7)
        texts = [sessions.load(path) for path in sessions.RECORDINGS[:40] + sessions.ROLLOUTS[:40]]
        mutated = [sessions.broken(sessions.broken(chance.choice(texts), chance), chance) for _ in range(400)]

        def read(data):
            said = []
            for function in (turnledger.replay, turnledger.import_rollout):
                try:
                    function(data)
                except turnledger.Error as error:
                    said.append(str(error))
            return said

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            said = [text for texts in pool.map(read, mutated) for text in texts]
        self.assertGreater(len(said), 300)
        for text in said:
            self.assertRegex(text, r"^(<bytes>:\d+: |cannot read <bytes>)[^\n]*$")

    def test_python_goes_on_meanwhile(self):
        data = b"".join(path.read_bytes() for path in sessions.RECORDINGS) * 20
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            read = pool.submit(turnledger.replay, data, strict=False)
            steps = 0
            while not read.done():
                steps += 1
                time.sleep(0.001)
        self.assertGreater(len(read.result()), 1000)
        # With Python's lock, there would be one step, or two.
        self.assertGreater(steps, 20)

    def test_arguments(self):
        with self.assertRaisesRegex(turnledger.Error, "transport: expected"):
            turnledger.replay(b"", transport="pigeon")
        with self.assertRaisesRegex(turnledger.Error, "a key needs at least"):
            turnledger.replay(b"", key=b"short")
        with self.assertRaisesRegex(turnledger.Error, "direction: expected"):
            turnledger.Session().observe(AT, 1, "up", b"{}")
        with self.assertRaises(TypeError):
            turnledger.replay("text")


if __name__ == "__main__":
    unittest.main()
