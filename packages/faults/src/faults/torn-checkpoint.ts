import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Fault, type FaultRun, numbers } from '../fault.ts'

/** Tears the metadata that a checkpoint writes, as a kill does whose moment is too rare to wait for. */
export const TORN_CHECKPOINT_FAULTS: readonly Fault[] = [
  {
    id: 'torn-checkpoint',
    name: 'a checkpoint torn at a random page of its metadata, after a kill',
    runs: 50,
    note: 'made of the file before and after the checkpoint',
    run: tearCheckpoint,
  },
]

const BLOCKS_START = 3 * 4096
const BLOCK_BYTES = 256 * 1024
const PAGE_BYTES = 4096
/** Batches of a first engine that closes: with it the file has metadata that it needs. */
const CLOSED_BATCHES = 20

async function tearCheckpoint(run: FaultRun): Promise<void> {
  const shape = run.shape({ maxRows: run.random.pick([60, 1_000, 9_000]) })
  const job = run.job({ mode: run.mode(), shape, maxInFlight: run.random.pick([1, 8, 32]) })
  await run.start({ ...job, batches: numbers(0, CLOSED_BATCHES) }).ended
  const app = run.start({ ...job, batches: numbers(CLOSED_BATCHES, 2_000) })
  await app.told('receipt', run.random.int(1, 40))
  await app.kill()
  await tearLast(run)
  await run.checkAftermath(job)
  if (run.counts.repaired === undefined) run.find('unmet', 'nothing was there to be repaired')
}

/** Has a checkpoint made up to its header, and leaves the file as it was in the middle of one of its blocks. */
async function tearLast(run: FaultRun): Promise<void> {
  const { path, random } = run
  const before = readFileSync(path)
  const copy = `${path}.cut`
  for (const end of ['', '.wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end)
  const metadata = await run.cutCheckpoint(copy)
  const torn = readFileSync(copy)
  const changed = metadata.flatMap((id) => {
    const location = BLOCKS_START + id * BLOCK_BYTES
    const pages = changedPages(before, torn, location)
    return pages > 1 ? [{ location, pages }] : []
  })
  const { location, pages } = random.pick(changed)
  const from = location + random.int(1, pages - 1) * PAGE_BYTES
  before.copy(torn, from, from, location + BLOCK_BYTES)
  writeFileSync(path, torn)
  copyFileSync(`${copy}.wal`, `${path}.wal`)
  for (const end of ['', '.wal']) rmSync(copy + end)
}

/** Pages up to the last one of a block that the checkpoint has changed. */
function changedPages(before: Buffer, after: Buffer, location: number): number {
  for (let pages = BLOCK_BYTES / PAGE_BYTES; pages > 0; pages--) {
    const from = location + (pages - 1) * PAGE_BYTES
    if (before.compare(after, from, from + PAGE_BYTES, from, from + PAGE_BYTES) !== 0) return pages
  }
  return 0
}
