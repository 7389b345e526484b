import type { EngineSettings, PeerName, WritesWaiting } from '../job.ts'

/** A peer and the way it is used: what is put beside another. */
export interface Contender {
  readonly title: string
  readonly peer: PeerName
  /** How many writes wait at a time where the scenario does not say it. */
  readonly writesWaiting?: WritesWaiting
  /** The engine's defaults where it is left out. */
  readonly engine?: EngineSettings
}

const EXACTLY_ONCE = { peer: 'ducksink', engine: { deliveryMode: 'exactly-once' } } as const

/** Everyone who can take part. */
export const CONTENDERS = {
  ducksink: { title: 'ducksink', peer: 'ducksink' },
  'ducksink-32': { title: 'ducksink, 32 writes waiting', peer: 'ducksink', writesWaiting: 32 },
  'ducksink-1-caller': { title: 'ducksink, a single caller', peer: 'ducksink', writesWaiting: 1 },
  'ducksink-64-callers': { title: 'ducksink, 64 callers', peer: 'ducksink', writesWaiting: 64 },
  'ducksink-ungrouped': {
    title: 'ducksink, one transaction a write',
    peer: 'ducksink',
    writesWaiting: 'ready',
    engine: { groupCommit: false },
  },
  'exactly-once': { ...EXACTLY_ONCE, title: 'ducksink, exactly once' },
  'exactly-once-32': {
    ...EXACTLY_ONCE,
    title: 'ducksink, exactly once, 32 writes waiting',
    writesWaiting: 32,
  },
  'exactly-once-1-caller': {
    ...EXACTLY_ONCE,
    title: 'ducksink, exactly once, a single caller',
    writesWaiting: 1,
  },
  'ducksink-columns': { title: 'ducksink, columns handed over', peer: 'ducksink-columns' },
  sqlite: { title: 'node:sqlite, prepared, WAL, FULL', peer: 'sqlite', writesWaiting: 1 },
  appender: { title: 'appender on the main thread', peer: 'appender', writesWaiting: 1 },
  cloned: { title: 'records cloned to a worker, appender', peer: 'cloned' },
  autocommit: { title: "DuckDB's own single-row autocommit", peer: 'autocommit', writesWaiting: 1 },
  'insert-select': {
    title: 'the limit: INSERT ... SELECT, threads=1',
    peer: 'insert-select',
    writesWaiting: 1,
  },
  bytewax: { title: 'bytewax-duckdb, write_batch', peer: 'bytewax', writesWaiting: 1 },
} as const satisfies Record<string, Contender>

export type ContenderName = keyof typeof CONTENDERS

/** Whether a contender is a way to use ducksink, whatever it is given. */
export function isDucksink(name: ContenderName): boolean {
  return CONTENDERS[name].peer.startsWith('ducksink')
}
