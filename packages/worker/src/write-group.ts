import { isOutcomeUnknown, unlessDurable } from './duckdb-error.ts'
import type { EnteredWrite, ExactlyOnce, TableOf, Verdict } from './exactly-once.ts'
import { isSameStatement } from './insert-statement.ts'
import type { InsertRequest } from './protocol/insert-messages.ts'
import type { Writer } from './writer.ts'

// Whole writes that share a commit; where they fail, nothing of them is there.

/** Writes that go in by one INSERT, because they have the table and the columns in common. */
type Run = readonly InsertRequest[]

/** Commits writes together. */
export async function commitGroup(
  { connection, parts }: Writer,
  requests: readonly InsertRequest[],
): Promise<void> {
  const runs = groupIntoRuns(requests)
  const only = runs.length === 1 ? runs[0] : undefined
  if (only !== undefined) {
    // one statement is a transaction by itself: BEGIN and COMMIT would cost a tenth of a small write
    await parts.write(only)
    return
  }
  await connection.run('BEGIN')
  try {
    for (const run of runs) await parts.write(run)
    await unlessDurable(connection.run('COMMIT'))
  } catch (error) {
    await connection.rollBack()
    throw error
  }
}

/** What became of a group of writes of which each may have been committed before. */
export interface GroupOutcome {
  readonly verdicts: readonly Verdict[]
  /** How many were written; they have the sequences from the group's first on. */
  readonly writtenCount: number
  /** Present where COMMIT answered with an error: what was to be written is there or not. */
  readonly unknown: { readonly error: unknown } | undefined
}

/** Commits those of some writes together that are not committed already, with what the ledger keeps of them. */
export async function commitGroupOnce(
  writer: Writer,
  exactlyOnce: ExactlyOnce,
  requests: readonly InsertRequest[],
  at: { readonly sequence: number; readonly tableOf: TableOf },
): Promise<GroupOutcome> {
  const { connection, parts } = writer
  let verdicts: readonly Verdict[] = []
  await connection.run('BEGIN')
  try {
    verdicts = await exactlyOnce.decide(connection, requests, at)
    const writes = requests.flatMap((request, index): EnteredWrite | readonly EnteredWrite[] => {
      const verdict = verdicts[index] as Verdict
      return verdict.kind === 'write' ? { request, sequence: verdict.sequence } : []
    })
    for (const run of groupIntoRuns(writes.map(({ request }) => request))) await parts.write(run)
    await exactlyOnce.enter(writer, writes)
    if (writes.length === 0) await connection.rollBack()
    else await unlessDurable(connection.run('COMMIT'))
    return { verdicts, writtenCount: writes.length, unknown: undefined }
  } catch (error) {
    await connection.rollBack()
    if (!isOutcomeUnknown(error)) throw error
    return { verdicts, writtenCount: 0, unknown: { error } }
  }
}

function groupIntoRuns(requests: readonly InsertRequest[]): readonly Run[] {
  const runs: InsertRequest[][] = []
  for (const request of requests) {
    const run = runs.at(-1)
    if (run !== undefined && isSameStatement(run[0] as InsertRequest, request)) run.push(request)
    else runs.push([request])
  }
  return runs
}
