import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Checksum,
  describeDifference,
  expectedChecksum,
  readDuckDBFile,
  readSqliteFile,
  repeatChecksum,
} from './checksum.ts'
import { FLAT_WORKLOAD } from './dataset.ts'
import type { OpenJob, OpenResult, StreamResult, WriteResult } from './job.ts'
import { PeerError, runJob, type Surroundings } from './peer-run.ts'
import { countRows, toWriteJob } from './scenarios/catalog.ts'
import { CONTENDERS, type Contender, type ContenderName } from './scenarios/contenders.ts'
import type { OpenScenario, StreamScenario, WriteScenario } from './scenarios/scenario.ts'

/** One contender's figures in one round. */
export interface WriteRun {
  readonly round: number
  readonly contender: ContenderName
  readonly result: WriteResult
}

/** One cold open in one round. */
export interface OpenRun {
  readonly round: number
  readonly peer: OpenJob['peer']
  readonly result: OpenResult
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
): AsyncGenerator<WriteRun> {
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      yield { round, contender, result: await runWrites(scenario, CONTENDERS[contender], surroundings) }
    }
  }
}

/** Opens ducksink and DuckDB itself in turn, each in a process that has just begun. */
export async function* runOpens(
  scenario: OpenScenario,
  rounds: number,
  surroundings: Surroundings,
): AsyncGenerator<OpenRun> {
  for (let round = 1; round <= rounds; round++) {
    for (const peer of ['ducksink', 'duckdb'] as const) {
      yield { round, peer, result: await runOpen(scenario, peer, surroundings) }
    }
  }
}

/** Runs one contender in a process of its own and verifies every row that it wrote. */
export async function runWrites(
  scenario: WriteScenario,
  contender: Contender,
  surroundings: Surroundings,
): Promise<WriteResult> {
  const { dataset } = scenario
  return withTarget(scenario.target, surroundings.directory, async (path) => {
    const result = await runJob(toWriteJob(scenario, contender, path), surroundings)
    // Nobody else can look into a peer's memory; a file is read here, in another process, after its close.
    const readFile = contender.peer === 'sqlite' ? readSqliteFile : readDuckDBFile
    const checksum = result.checksum ?? (await readFile(path, dataset))
    verify(
      `${contender.title} in '${scenario.name}'`,
      checksum,
      expectedChecksum(dataset, countRows(scenario)),
    )
    return result
  })
}

async function runOpen(
  scenario: OpenScenario,
  peer: OpenJob['peer'],
  surroundings: Surroundings,
): Promise<OpenResult> {
  return withTarget(scenario.target, surroundings.directory, async (path) => {
    const result = await runJob({ kind: 'open', peer, path }, surroundings)
    if (peer === 'ducksink') {
      const checksum = await readDuckDBFile(path, FLAT_WORKLOAD)
      verify(`ducksink in '${scenario.name}'`, checksum, expectedChecksum(FLAT_WORKLOAD, 1))
    }
    return result
  })
}

/** Runs a long stream and verifies what it wrote. */
export async function runStream(scenario: StreamScenario, surroundings: Surroundings): Promise<StreamResult> {
  return withTarget(scenario.target, surroundings.directory, async (path) => {
    const { batchRows, batches, records, distinctBatches } = scenario
    const result = await runJob(
      { kind: 'stream', path, batchRows, batches, records, distinctBatches },
      surroundings,
    )
    const times = records === 'reused' ? batches / distinctBatches : 1
    const once = expectedChecksum(FLAT_WORKLOAD, (batches * batchRows) / times)
    const checksum = await readDuckDBFile(path, FLAT_WORKLOAD)
    verify(`ducksink in '${scenario.name}'`, checksum, repeatChecksum(once, times))
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

function verify(who: string, actual: Checksum, expected: Checksum): void {
  const difference = describeDifference(actual, expected)
  if (difference !== undefined) throw new PeerError(`${who} wrote other rows: ${difference}`)
}
