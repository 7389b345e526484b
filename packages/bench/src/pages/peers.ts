import type { PeerName } from '../job.ts'
import { markdownTable, type Section } from './section.ts'

/** How each peer writes: what its own authors would say that it is fair to. */
const WAYS: Readonly<Record<PeerName, string>> = {
  ducksink:
    'table.write() of records at the defaults of the engine: one thread of DuckDB, and on a file a second connection and a checkpoint after 64 MiB of log. Large batches are written ahead for as long as engine.ready says so',
  'ducksink-columns':
    'table.writeColumns() with { transfer: true }, of the same rows in typed arrays and packed strings',
  bytewax:
    "bytewax-duckdb's own write_batch() of dictionaries, in Python on the same version of DuckDB, at its defaults; the staged rows are frozen for its garbage collector",
  sqlite:
    'node:sqlite with one prepared INSERT, values bound by position, BEGIN and COMMIT around a batch; a file is in WAL mode with synchronous = FULL, so that a commit is as durable as of DuckDB',
  appender:
    "node-api's appender on the main thread, a typed call for each value and flushSync() for each batch, DuckDB at its defaults: as many threads as cores, a checkpoint after 16 MB",
  cloned:
    'the same appender in a worker thread that records are posted to by Comlink, the next batch while one is written',
  autocommit: 'one prepared INSERT of node-api, bound and awaited for each record, DuckDB at its defaults',
  'insert-select':
    'INSERT INTO t SELECT * FROM rows that lie in a table in memory, prepared, in one thread as ducksink has it: what is left when nothing has to come from JavaScript',
}

/** Who takes part, and how. */
export function peersSection(): Section {
  return {
    id: 'peers',
    title: 'Who takes part',
    text: 'One write is one transaction, unless it says otherwise. Each peer is used as its own documentation has it.',
    charts: [],
    tables: markdownTable(['peer', 'how it writes'], Object.entries(WAYS)),
  }
}
