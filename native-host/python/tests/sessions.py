"""Sessions made of the recorded ones: each with ids of its own, and some of them broken."""

import collections
import gzip
import json
import pathlib
import random
import re
import subprocess

import pyarrow as pa

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
RECORDINGS = sorted((REPOSITORY / "tests/golden").glob("*/*/traffic.jsonl"))
ROLLOUTS = sorted((REPOSITORY / "tests/rollouts").glob("**/rollout-*.jsonl.zst"))
UUID = re.compile(rb"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)([0-9a-f]{12})")


def load(path):
    """A file's text, unpacked."""
    with pa.input_stream(path, compression="detect") as stream:
        return stream.read()


def renamed(text, number):
    """The session with other ids: those that were equal stay equal."""
    other = lambda found: found[1] + b"%012x" % ((int(found[2], 16) + number * 0x1000003) % (1 << 48))
    return UUID.sub(other, text)


def broken(text, chance):
    """The session as a machine that fails leaves it: cut off, with bytes or lines that were never written."""
    place = chance.randrange(len(text))
    return chance.choice(
        [
            lambda: text[:place],
            lambda: text[:place] + bytes(chance.randrange(256) for _ in range(20)) + text[place + 20 :],
            lambda: text[:place] + b"\n" + text[place:],
            lambda: b"\0" * 100 + b"\n" + text,
        ]
    )()


def make(folder, count, seed=1):
    """Writes `count` sessions, half recordings and half rollouts; 5 % are broken, some packed, and one is long."""
    chance = random.Random(seed)
    recordings = [path.read_bytes() for path in RECORDINGS]
    rollouts = [load(path) for path in ROLLOUTS]
    for kind in ("recordings", "rollouts"):
        (folder / kind).mkdir(parents=True)
    for number in range(count):
        kind, texts = ("recordings", recordings) if number % 2 == 0 else ("rollouts", rollouts)
        text = renamed(texts[number // 2 % len(texts)], number)
        if number == 0:
            text = b"".join(renamed(text, count + again) for text in recordings for again in range(5))
        elif chance.random() < 0.05:
            text = broken(text, chance)
        path = folder / kind / f"{number:06}.jsonl"
        if chance.random() < 0.1:
            path = path.with_name(path.name + ".zst")
            text = pa.compress(text, codec="zstd", asbytes=True)
        elif chance.random() < 0.1 and kind == "recordings":
            path = path.with_name(path.name + ".gz")
            text = gzip.compress(text, 1)
        path.write_bytes(text)


def rows(text, session):
    """A recording as the rows that a stream takes, with the row that ends it."""
    made = []
    for sequence, line in enumerate(text.splitlines()):
        line = json.loads(line)
        made.append(
            {
                "session": session,
                "sequence": sequence,
                "at_ms": line["at_ms"],
                "connection": line["connection_id"],
                "direction": line["direction"],
                "message": json.dumps(line["message"], ensure_ascii=False),
            }
        )
    last = {**made[-1], "sequence": len(made), "at_ms": max(row["at_ms"] for row in made), "message": None}
    return [*made, last]


def program(*arguments):
    """What the program prints, and its exit code."""
    ended = subprocess.run(["turnledger", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert ended.returncode in (0, 1), ended.stderr.decode()
    return ended.stdout, ended.returncode


def key(line):
    """An event's type and the text of its parameters."""
    start = line.index(b'"event_params":') + len(b'"event_params":')
    return json.loads(line)["event_type"], line[start:-1].decode()


def counted(lines):
    """How often each event is there."""
    return collections.Counter(map(key, lines.splitlines()))
