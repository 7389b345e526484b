import type { TakingLong } from './checkpoints.ts'
import { isDiskFull, isInvalidated, messageOf, queryError, statementError } from './duckdb-error.ts'
import { errorToData, type SinkError } from './protocol/errors.ts'
import type { QueryReply, QueryRequest } from './protocol/messages.ts'
import { classifyStatement, runRead, runStatement } from './query.ts'
import { cancelledQuery } from './read-queue.ts'
import type { Session } from './session.ts'
import { beginsAsRead } from './sql-text.ts'
import type { TaskJob } from './write-jobs.ts'

/** How a query gets at the writing connection. */
export interface QueriesContext {
  /** Runs a task in the writer's turn; a failure becomes the reply that `failed` makes of it. */
  readonly onWriter: <R>(
    task: () => Promise<R>,
    failed: (error: unknown) => R,
    options: Pick<TaskJob, 'queryId'>,
  ) => Promise<R>
  readonly takingLong: TakingLong
}

/** The queries of a session: what only reads is for the reading connection, every other statement for the writing one. */
export class Queries {
  readonly #session: Session
  readonly #context: QueriesContext
  /** The statements that wait for the writing connection, or run on it. */
  readonly #statements = new Map<number, AbortController>()
  /** True while the writing connection runs a statement of the app: that may be interrupted, a batch may not. */
  #runsStatement = false
  /** Present when the session has ended: what its queries are refused with. */
  #refusal: SinkError | undefined

  constructor(session: Session, context: QueriesContext) {
    this.#session = session
    this.#context = context
  }

  async answer(request: QueryRequest): Promise<QueryReply> {
    // what does not look like a read does not wait behind those that are
    const first = beginsAsRead(request.sql) ? undefined : await this.#answerOnWriter(request)
    const reply = first ?? (await this.#answerOnReader(request)) ?? (await this.#answerOnWriter(request))
    return reply ?? failed(new Error('each connection takes the statement to be for the other'))
  }

  /** Ends a query that is not wanted any more. */
  cancel(queryId: number): void {
    const { reads, jobs } = this.#session
    reads.cancel(queryId)
    // one whose turn has come is asked whether it is still wanted, and one that runs is committed
    this.#statements.get(queryId)?.abort(cancelledQuery())
    jobs.refuseQuery(queryId, cancelledQuery())
  }

  /** Ends those that run, as the session has ended. */
  end(refusal: SinkError): void {
    const { reads, database } = this.#session
    this.#refusal = refusal
    reads.cancelAll()
    if (this.#runsStatement) database.writer.interrupt()
  }

  /** Reads; `undefined` where the statement does more, and so is for the writer. */
  async #answerOnReader(request: QueryRequest): Promise<QueryReply | undefined> {
    try {
      const rows = await this.#read(request)
      return rows && { status: 'rows', rows, changedSchema: false }
    } catch (error) {
      // where the session has ended meanwhile, that was what cancelled the query
      return failed(this.#refusal ?? queryError(error))
    }
  }

  /** A database that a full disk has invalidated is asked once more when it is open again. */
  async #read(request: QueryRequest): Promise<readonly object[] | undefined> {
    const { database, reads } = this.#session
    const { reader, room } = database
    const read = (): Promise<readonly object[] | undefined> =>
      reads.run(request.queryId, async (signal) => {
        const kind = await classifyStatement(reader, request.sql)
        signal.throwIfAborted()
        return kind === 'read' ? runRead(reader, request, signal) : undefined
      })
    try {
      return await read()
    } catch (error) {
      if (room === undefined || !isDiskFull(error) || !isInvalidated({ message: messageOf(error) }))
        throw error
      room.failed(error)
      // the job at hand meets it as well, and the queue has it opened before the next
      await room.valid
      return await read()
    }
  }

  /** Runs a statement in the writer's turn; `undefined` where it only reads, and so is for the reader. */
  #answerOnWriter(request: QueryRequest): Promise<QueryReply | undefined> {
    const { queryId } = request
    const controller = new AbortController()
    this.#statements.set(queryId, controller)
    const reply = this.#context.onWriter<QueryReply | undefined>(
      () => this.#write(request, controller.signal),
      (error) => failed(statementError(error)),
      { queryId },
    )
    return reply.finally(() => this.#statements.delete(queryId))
  }

  async #write(request: QueryRequest, signal: AbortSignal): Promise<QueryReply | undefined> {
    const { database, catalog, transactions, ledger, checkpoints } = this.#session
    const kind = await classifyStatement(database.writer, request.sql)
    signal.throwIfAborted()
    if (kind === 'read') return undefined
    this.#runsStatement = true
    // before it runs: one of which the rows cannot be read is committed all the same
    ledger?.mayHaveChanged()
    const running = this.#context.takingLong(() => runStatement(database.writer, request))
    const { rows, changedSchema, isAlter } = await running.finally(() => {
      this.#runsStatement = false
    })
    if (changedSchema) {
      transactions.clearStatements()
      catalog.invalidate()
    }
    // it may have written any number
    checkpoints.written(Number.POSITIVE_INFINITY)
    if (isAlter) await checkpoints.make()
    return { status: 'rows', rows, changedSchema }
  }
}

const failed = (error: unknown): QueryReply => ({ status: 'failed', error: errorToData(error) })
