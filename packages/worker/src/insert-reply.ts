import { errorToData, type SinkError } from './protocol/errors.ts'
import type { InsertReply, InsertRequest, RefusedRow } from './protocol/insert-messages.ts'
import type { CommittedWrite } from './protocol/ledger-messages.ts'

// The replies to a part: its buffer goes back with each.

/** It is inserted, without the rows that were refused. */
export const inserted = ({ buffer }: InsertRequest, refused: readonly RefusedRow[] = []): InsertReply => ({
  status: 'inserted',
  buffer,
  refused,
})

/** Its write is committed. */
export const committed = ({ buffer }: InsertRequest, sequence: number): InsertReply => ({
  status: 'committed',
  buffer,
  sequence,
})

/** Its write was committed before, and nothing is written now. */
export const duplicate = ({ buffer }: InsertRequest, of: CommittedWrite): InsertReply => ({
  status: 'committed',
  buffer,
  sequence: of.sequence,
  duplicateOf: of,
})

/** Nothing of its write is there. */
export const rolledBack = ({ buffer }: InsertRequest, error: SinkError): InsertReply => ({
  status: 'rolled-back',
  buffer,
  error: errorToData(error),
})

/** Nothing of its write is there, as main wants it no more. */
export const cancelled = ({ buffer }: InsertRequest): InsertReply => ({ status: 'cancelled', buffer })

/** Nothing of its write is there, and it is to be begun again. */
export const runAgain = ({ buffer }: InsertRequest, error: SinkError): InsertReply => ({
  status: 'run-again',
  buffer,
  error: errorToData(error),
})
