import type { KnownLayout } from './catalog.ts'
import { statementError, tableError } from './duckdb-error.ts'
import type { Ledger } from './ledger.ts'
import type { WorkerLog } from './log.ts'
import { errorToData, StatementError } from './protocol/errors.ts'
import type { InsertAnswer, InsertReply, InsertRequest } from './protocol/insert-messages.ts'
import type { LedgerReply, PruneReply } from './protocol/ledger-messages.ts'
import type {
  CloseReply,
  OpenReply,
  OpenRequest,
  QueryReply,
  QueryRequest,
  SinkApi,
  WorkerEvent,
} from './protocol/messages.ts'
import type { PrepareReply, TableEvolution, TableSetup } from './protocol/table-messages.ts'
import { ReplyBox } from './reply-box.ts'
import type { Session } from './session.ts'
import { TargetLife } from './target-life.ts'
import { cutWholePart } from './whole-parts.ts'
import { isWhole, takeBack } from './write-jobs.ts'

// answers a part whose buffer others have as well
const NO_BUFFER = new ArrayBuffer(0)

const NO_LEDGER = "there is no ledger: it is kept where deliveryMode is 'exactly-once'"

/** The worker's side of the channel: what main may call, each call answered in its turn. */
export class SinkWorker implements SinkApi {
  readonly #log: WorkerLog
  readonly #target: TargetLife
  readonly #replies = new ReplyBox()

  /** @param onBroken - called when the target must be opened again: DuckDB takes nothing more, or a COMMIT failed */
  constructor(log: WorkerLog, post: (event: WorkerEvent) => void, onBroken: (reason: string) => void) {
    this.#log = log
    this.#target = new TargetLife({ log, post, onBroken })
  }

  open(request: OpenRequest): Promise<OpenReply> {
    return this.#target.open(request)
  }

  prepareTable(setup: TableSetup): Promise<PrepareReply> {
    return this.#target.onWriter<PrepareReply>(
      async ({ evolution }) => {
        const layout = await this.#target.takingLong(() => evolution.prepare(setup))
        return layout === undefined ? { status: 'absent' } : present(layout)
      },
      (error) => ({ status: 'failed', error: errorToData(tableError(error, setup.table.name)) }),
      { servesWrites: true },
    )
  }

  evolveTable(request: TableEvolution): Promise<PrepareReply> {
    return this.#target.onWriter<PrepareReply>(
      async (session) => {
        const evolved = await this.#target.takingLong(() => session.evolution.evolve(request))
        if (evolved === undefined) return { status: 'absent' }
        if (evolved.isAltered) await session.checkpoints.make()
        return present(evolved.layout)
      },
      (error) => ({ status: 'failed', error: errorToData(tableError(error, request.table.name)) }),
      { servesWrites: true },
    )
  }

  insert(requests: readonly InsertRequest[]): Promise<readonly InsertAnswer[]> {
    return this.#replies.answer(
      requests,
      requests.map((request) => this.#insert(request)),
    )
  }

  insertReply(writeId: number): Promise<InsertReply> {
    return this.#replies.take(writeId)
  }

  async abandon(writeId: number): Promise<void> {
    const { session } = this.#target
    if (session === undefined) return
    const { jobs, transactions } = session
    // none of them is begun, and main waits for none
    for (const job of jobs.takeWrite(writeId)) takeBack(job, transactions)
    if (transactions.openWrite?.writeId === writeId) await this.#pushAbandon(writeId)
    else jobs.forgetRefusal(writeId)
  }

  async cancel(writeId: number): Promise<boolean> {
    const { session } = this.#target
    if (session === undefined) return false
    const { jobs, transactions } = session
    transactions.cancel(writeId)
    const taken = jobs.takeWrite(writeId)
    // main is told when nothing of it is left
    if (transactions.openWrite?.writeId === writeId) await this.#pushAbandon(writeId)
    for (const job of taken) takeBack(job, transactions)
    return taken.some(isWhole)
  }

  async refuseHeld(): Promise<void> {
    this.#target.refuseHeld()
  }

  async query(request: QueryRequest): Promise<QueryReply> {
    const { queries, refusal } = this.#target
    if (queries === undefined) return { status: 'failed', error: errorToData(refusal) }
    return queries.answer(request)
  }

  readLedger(keys: readonly string[], servesWrites = false): Promise<LedgerReply> {
    return this.#target.onWriter<LedgerReply>(
      async (session) => {
        const found = await requireLedger(session).lookUp(session.database.writer, keys)
        return { status: 'read', writes: keys.map((key) => found.get(key)) }
      },
      (error) => ({ status: 'failed', error: errorToData(statementError(error)) }),
      { servesWrites },
    )
  }

  pruneLedger(beforeMs: number): Promise<PruneReply> {
    return this.#target.onWriter<PruneReply>(
      async (session) => {
        const ledger = requireLedger(session)
        const pruned = await this.#target.takingLong(() => ledger.prune(session.database.writer, beforeMs))
        await session.checkpoints.make()
        this.#log.info('ledger pruned', { ...pruned })
        return { status: 'pruned', ...pruned }
      },
      (error) => ({ status: 'failed', error: errorToData(statementError(error)) }),
    )
  }

  async cancelQuery(queryId: number): Promise<void> {
    this.#target.queries?.cancel(queryId)
  }

  close(): Promise<CloseReply> {
    return this.#target.close()
  }

  /** Ends what is in flight and closes, whatever still waits: the thread is about to go. */
  stop(): Promise<void> {
    return this.#target.stop()
  }

  async #insert(request: InsertRequest): Promise<InsertReply> {
    const { whole } = request
    if (whole === undefined) return this.#insertPart(request)
    const replies = await Promise.all(cutWholePart(request).map((part) => this.#insertPart(part)))
    // what has become of the parts before is what has become of the last one
    return { ...(replies.at(-1) as InsertReply), whole }
  }

  #insertPart(request: InsertRequest): Promise<InsertReply> {
    return new Promise((resolve) => {
      const reply = (answer: InsertReply): void =>
        resolve(request.rows === undefined ? answer : { ...answer, buffer: NO_BUFFER })
      this.#target.push({ kind: 'insert', request, reply })
    })
  }

  /** Has the open write rolled back in the writer's turn. */
  #pushAbandon(writeId: number): Promise<void> {
    return new Promise((done) => {
      this.#target.push({ kind: 'abandon', writeId, done })
    })
  }
}

function requireLedger({ ledger }: Session): Ledger {
  if (ledger === undefined) throw new StatementError('STATEMENT_REFUSED', NO_LEDGER)
  return ledger
}

const present = ({ layoutId, columns }: KnownLayout): PrepareReply => ({
  status: 'present',
  layout: { layoutId, columns },
})
