"""How a pool of threads reads recordings: sessions a second with one thread, and with one for each core.

python pool.py FILE...
"""

import concurrent.futures
import os
import pathlib
import sys
import time

import turnledger

if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python pool.py FILE...")
    data = [pathlib.Path(name).read_bytes() for name in sys.argv[1:]]
    data *= max(1, 2000 // len(data))
    for threads in (1, os.cpu_count() or 1):
        begun = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            events = sum(map(len, pool.map(lambda data: turnledger.replay(data, git=False, strict=False), data)))
        seconds = time.perf_counter() - begun
        print(f"{threads} threads: {len(data) / seconds:.0f} sessions a second, {events} events")
