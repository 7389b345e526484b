import { isOutcomeUnknown, unlessDurable } from './duckdb-error.ts'
import type { EnteredWrite, ExactlyOnce, TableOf } from './exactly-once.ts'
import { committed } from './insert-reply.ts'
import { isSameStatement } from './insert-statement.ts'
import type { InsertReply, InsertRequest } from './protocol/insert-messages.ts'
import { settled, type Verdict } from './verdict.ts'
import type { Writer } from './writer.ts'

// Whole writes that share a commit; where they fail, nothing of them is there.

/** Writes that go in by one INSERT, because they have the table and the columns in common. */
type Run = readonly InsertRequest[]

/** What became of a group of writes. */
export interface GroupOutcome {
  /** The answers to their parts; none to one of which it is unknown what became of it. */
  readonly replies: readonly (InsertReply | undefined)[]
  /** How many were written; they have the sequences from the group's first on. */
  readonly writtenCount: number
  /** Present where COMMIT answered with an error: what was to be written is there or not. */
  readonly unknown: { readonly error: unknown } | undefined
}

/** Commits writes together; `sequence` is that of the first. */
export async function commitGroup(
  writer: Writer,
  requests: readonly InsertRequest[],
  sequence: number,
): Promise<GroupOutcome> {
  await writeGroup(writer, requests)
  const replies = requests.map((request, index) => committed(request, sequence + index))
  return { replies, writtenCount: requests.length, unknown: undefined }
}

async function writeGroup({ connection, parts }: Writer, requests: readonly InsertRequest[]): Promise<void> {
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

/** Commits those of some writes together that are not committed already, with what the ledger keeps of them. */
export async function commitGroupOnce(
  writer: Writer,
  exactlyOnce: ExactlyOnce,
  requests: readonly InsertRequest[],
  at: { readonly sequence: number; readonly tableOf: TableOf },
): Promise<GroupOutcome> {
  const { connection, parts } = writer
  let verdicts: readonly Verdict[] = []
  let writes: readonly EnteredWrite[] = []
  const replies = (isUnknown: boolean): GroupOutcome['replies'] =>
    requests.map((request, index) => {
      const verdict = verdicts[index]
      return isUnknown && isOfGroup(verdict, at.sequence) ? undefined : settled(request, verdict as Verdict)
    })
  await connection.run('BEGIN')
  try {
    verdicts = await exactlyOnce.decide(connection, requests, at)
    writes = requests.flatMap((request, index): EnteredWrite | readonly EnteredWrite[] => {
      const verdict = verdicts[index] as Verdict
      return verdict.kind === 'write' ? { request, sequence: verdict.sequence } : []
    })
    for (const run of groupIntoRuns(writes.map(({ request }) => request))) await parts.write(run)
    await exactlyOnce.enter(writer, writes)
    if (writes.length === 0) await connection.rollBack()
    else await unlessDurable(connection.run('COMMIT'))
  } catch (error) {
    await connection.rollBack()
    if (!isOutcomeUnknown(error)) throw error
    return { replies: replies(true), writtenCount: 0, unknown: { error } }
  }
  return { replies: replies(false), writtenCount: writes.length, unknown: undefined }
}

/** True for a write that is committed or not with its group, whose first sequence this is. */
const isOfGroup = (verdict: Verdict | undefined, sequence: number): boolean =>
  verdict === undefined ||
  verdict.kind === 'write' ||
  (verdict.kind === 'duplicate' && verdict.of.sequence >= sequence)

function groupIntoRuns(requests: readonly InsertRequest[]): readonly Run[] {
  const runs: InsertRequest[][] = []
  for (const request of requests) {
    const run = runs.at(-1)
    if (run !== undefined && isSameStatement(run[0] as InsertRequest, request)) run.push(request)
    else runs.push([request])
  }
  return runs
}
