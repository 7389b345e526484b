import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import {
  type Checksum,
  checksumSql,
  describeDifference,
  expectedChecksum,
  readDuckDBFile,
  readSqliteFile,
  repeatChecksum,
} from './checksum.ts'
import { DATASETS } from './datasets.ts'
import type { Job, Result, StreamJob, StreamResult, WriteResult } from './job.ts'
import {
  CONTENDERS,
  type Contender,
  type ContenderName,
  countRows,
  type StreamScenario,
  toWriteJob,
  type WriteScenario,
} from './scenarios/catalog.ts'
import { siblingModule } from './sibling-module.ts'

/** No peer takes this long; one that hangs must not hang the bench. */
const PEER_TIMEOUT_MS = 300_000

/** How the harness starts a peer's process and where it may put files. */
export interface Surroundings {
  /** A folder for target files; each run has one of its own in it, removed afterwards. */
  readonly directory: string
  /** The Python that has bytewax-duckdb, where it takes part. */
  readonly python?: { readonly executable: string; readonly script: string }
  /** Ends the peer that is running. */
  readonly signal?: AbortSignal
}

/** One contender's figures in one round. */
export interface Run {
  readonly round: number
  readonly contender: ContenderName
  readonly result: WriteResult
}

/** A peer failed, hung, or wrote other rows than it was given. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
}

/**
 * Runs every contender of a scenario once a round, one after another: A B A B.
 *
 * What slows the machine down for a while slows both of a pair down, so ratios within a round stay true.
 */
export async function* runRounds(
  scenario: WriteScenario,
  contenders: readonly ContenderName[],
  rounds: number,
  surroundings: Surroundings,
): AsyncGenerator<Run> {
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      yield { round, contender, result: await runWrites(scenario, CONTENDERS[contender], surroundings) }
    }
  }
}

/** Runs one contender in a process of its own and verifies every column of what it wrote. */
export async function runWrites(
  scenario: WriteScenario,
  contender: Contender,
  surroundings: Surroundings,
): Promise<WriteResult> {
  const dialect = contender.peer === 'sqlite' ? 'sqlite' : 'duckdb'
  return withTarget(scenario.target, surroundings.directory, async (path) => {
    const table = scenario.dataset === 'flat' ? undefined : `(${DATASETS[scenario.dataset].flatSql}) AS flat`
    const job = toWriteJob(scenario, contender, { path, checksumSql: checksumSql(dialect, table) })
    const result = (await runJob(job, surroundings)) as WriteResult
    // Nobody else can look into a peer's memory; a file is read here, in another process, after its close.
    const checksum = result.checksum ?? (await readFile(path, dialect))
    verify(`${contender.title} in '${scenario.name}'`, checksum, expectedChecksum(countRows(scenario)))
    return result
  })
}

/** Runs a long stream and verifies what it wrote. */
export async function runStream(scenario: StreamScenario, surroundings: Surroundings): Promise<StreamResult> {
  return withTarget('file', surroundings.directory, async (path) => {
    const { batchRows, batches, records, distinctBatches } = scenario
    const job: StreamJob = { kind: 'stream', path, batchRows, batches, records, distinctBatches }
    const result = (await runJob(job, surroundings)) as StreamResult
    const times = records === 'reused' ? batches / distinctBatches : 1
    const expected = repeatChecksum(expectedChecksum((batches * batchRows) / times), times)
    verify(`ducksink in '${scenario.name}'`, await readDuckDBFile(path), expected)
    return result
  })
}

async function withTarget<T>(
  target: 'memory' | 'file',
  directory: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  if (target === 'memory') return use(':memory:')
  await mkdir(directory, { recursive: true })
  const folder = await mkdtemp(join(directory, 'run-'))
  try {
    return await use(join(folder, 'target.db'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function readFile(path: string, dialect: 'duckdb' | 'sqlite'): Promise<Checksum> | Checksum {
  return dialect === 'duckdb' ? readDuckDBFile(path) : readSqliteFile(path)
}

function verify(who: string, actual: Checksum, expected: Checksum): void {
  const difference = describeDifference(actual, expected)
  if (difference !== undefined) throw new PeerError(`${who} wrote other rows: ${difference}`)
}

async function runJob(job: Job, surroundings: Surroundings): Promise<Result> {
  const child = spawnPeer(job, surroundings)
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  // Nothing is over before the process is gone: until then it may still write into its folder.
  const closed = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(String(code ?? signal)))
  })
  const [reply, problems, outcome] = await Promise.all([
    text(child.stdio[3] as Readable),
    text(child.stderr as Readable),
    closed,
  ])
  if (failure !== undefined) throw failure
  if (outcome !== '0') {
    const who = job.kind === 'write' ? job.peer : 'ducksink'
    throw new PeerError(`${who} ended with ${outcome}:\n${problems.trim()}`)
  }
  return JSON.parse(reply) as Result
}

function spawnPeer(job: Job, { python, signal }: Surroundings): ChildProcess {
  const options = {
    // The result comes by descriptor 3; what a peer or its logger prints is kept out of this process's output.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'] as const,
    timeout: PEER_TIMEOUT_MS,
    ...(signal && { signal }),
  }
  const argument = JSON.stringify(job)
  if (job.kind === 'write' && job.peer === 'bytewax') {
    if (python === undefined) throw new PeerError('bytewax takes part only when it is installed (--seed)')
    // It prints a licence notice unless told not to.
    const env = { ...process.env, BYTEWAX_LICENSE: '1' }
    return spawn(python.executable, [python.script, argument], { ...options, stdio: [...options.stdio], env })
  }
  const entry = siblingModule(import.meta.url, './peer-process')
  const args = [...process.execArgv, '--expose-gc', entry.pathname, argument]
  return spawn(process.execPath, args, { ...options, stdio: [...options.stdio] })
}
