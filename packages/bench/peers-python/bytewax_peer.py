"""The real bytewax-duckdb as a peer: `write_batch` alone, on records made ahead.

The job comes as JSON in the only argument and the result goes as JSON to file descriptor 3, as in peer-process.ts.
"""

import gc
import json
import os
import resource
import sys
import time
from importlib.metadata import version

from bytewax.duckdb import DuckDBSink

from datasets import create_batch


def percentile(samples, share):
    """As in statistics.ts."""
    ordered = sorted(samples)
    at = (len(ordered) - 1) * share
    below = int(at)
    high = ordered[min(below + 1, len(ordered) - 1)]
    return ordered[below] + (high - ordered[below]) * (at - below)


def rss_bytes():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def measure(job):
    sink = DuckDBSink(job["path"], "t", job["createTableSql"])
    partition = sink.build_part("bench", "partition_0", None)
    dataset = job["dataset"]
    size = job["batchRows"]
    first = 0
    for _ in range(job["warmupBatches"]):
        partition.write_batch([create_batch(dataset, first, size)])
        first += size
    latencies = []
    cpu = 0
    staged = 0
    for _ in range(job["iterations"]):
        batches = [create_batch(dataset, first + k * size, size) for k in range(job["batchesPerIteration"])]
        first += len(batches) * size
        # What is staged is no garbage: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        staged = max(staged, rss_bytes())
        cpu -= time.thread_time()
        for batch in batches:
            started = time.perf_counter()
            partition.write_batch([batch])
            latencies.append((time.perf_counter() - started) * 1000)
        cpu += time.thread_time()
    rows = len(latencies) * size
    result = {
        "kind": "write",
        "rows": rows,
        "durationMs": sum(latencies),
        "latencyMs": [{"q": q, "ms": percentile(latencies, q)} for q in job["latencyShares"]],
        "mainThread": {"cpuUsPerRecord": cpu * 1e6 / rows},
        "rssBytes": {
            "staged": staged,
            "written": rss_bytes(),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        },
        "versions": {
            "python": sys.version.split()[0],
            "bytewax-duckdb": version("bytewax-duckdb"),
            "duckdb": version("duckdb"),
            "pyarrow": version("pyarrow"),
        },
    }
    if job["path"] == ":memory:":
        cursor = partition.conn.execute(job["checksumSql"])
        result["checksum"] = dict(zip([column[0] for column in cursor.description], cursor.fetchone()))
    started = time.perf_counter()
    partition.close()
    result["closeMs"] = (time.perf_counter() - started) * 1000
    return result


with os.fdopen(3, "w") as channel:
    json.dump(measure(json.loads(sys.argv[1])), channel)
