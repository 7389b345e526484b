import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  BackpressureError,
  ClosedError,
  ConstraintError,
  type ErrorData,
  errorFromData,
  errorToData,
  InvalidOptionsError,
  KeyConflictError,
  OutcomeUnknownError,
  PrecedingBatchFailedError,
  SchemaError,
  SinkError,
  type SinkErrorCode,
  StatementError,
  TargetUnavailableError,
  ValueError,
  WorkerDiedError,
} from '../src/protocol/errors.ts'

const DETAILS = { table: 't', column: 'a', row: 7, expected: 'TINYINT', found: 'number', key: 'k' }

/** Every code with the error that carries it. */
const ERRORS: Readonly<Record<SinkErrorCode, SinkError>> = {
  INVALID_OPTIONS: new InvalidOptionsError('m', { problems: ['one', 'two'] }),
  INVALID_ARGUMENT: new InvalidOptionsError('m', {}, 'INVALID_ARGUMENT'),
  INVALID_VALUE: new ValueError('m', DETAILS),
  SCHEMA_MISMATCH: new SchemaError('m', DETAILS),
  TABLE_ABSENT: new SchemaError('m', DETAILS, 'TABLE_ABSENT'),
  TABLE_CHANGED: new SchemaError('m', DETAILS, 'TABLE_CHANGED'),
  DDL_FAILED: new SchemaError('m', DETAILS, 'DDL_FAILED'),
  CONSTRAINT_VIOLATED: new ConstraintError('m', DETAILS),
  INSERT_FAILED: new StatementError('INSERT_FAILED', 'm', DETAILS),
  STATEMENT_FAILED: new StatementError('STATEMENT_FAILED', 'm'),
  STATEMENT_REFUSED: new StatementError('STATEMENT_REFUSED', 'm'),
  KEY_CONFLICT: new KeyConflictError('m', DETAILS),
  PRECEDING_BATCH_FAILED: new PrecedingBatchFailedError('m', { channel: 'c' }),
  BACKPRESSURE: new BackpressureError('m'),
  OUTCOME_UNKNOWN: new OutcomeUnknownError('m', DETAILS),
  WORKER_DIED: new WorkerDiedError('m'),
  TARGET_UNAVAILABLE: new TargetUnavailableError('m'),
  TARGET_LOCKED: new TargetUnavailableError('m', {}, 'TARGET_LOCKED'),
  TARGET_FULL: new TargetUnavailableError('m', {}, 'TARGET_FULL'),
  TARGET_TORN: new TargetUnavailableError('m', {}, 'TARGET_TORN'),
  CLOSED: new ClosedError('m'),
  CLOSE_TIMEOUT: new ClosedError('m', {}, 'CLOSE_TIMEOUT'),
}

describe.each(Object.entries(ERRORS))('%s', (code, error) => {
  test('crosses the channel with its class, code and details', () => {
    const found = errorFromData(structuredClone(errorToData(error)))
    expect(found.constructor).toBe(error.constructor)
    expect(found).toBeInstanceOf(SinkError)
    expect(found.name).toBe(error.constructor.name)
    expect({ ...found }).toEqual({ ...error })
    expect(found.code).toBe(code)
    expect(found.message).toBe('m')
    expect(found.cause).toBeUndefined()
  })
})

test('only what may go well when it is done again unchanged is retryable', () => {
  const retryable = Object.values(ERRORS).flatMap((error) => (error.retryable ? error.code : []))
  expect(retryable.sort()).toEqual([
    'BACKPRESSURE',
    'PRECEDING_BATCH_FAILED',
    'TABLE_CHANGED',
    'TARGET_FULL',
    'TARGET_LOCKED',
    'WORKER_DIED',
  ])
})

test('a cause crosses as its message alone', () => {
  const cause = Object.assign(new RangeError('disk full'), { secret: 'x' })
  const data = errorToData(new StatementError('INSERT_FAILED', 'm', { cause }))
  expect(data.causeMessage).toBe('disk full')
  const found = errorFromData(structuredClone(data))
  expect(found.cause).toEqual(new Error('disk full'))
  expect(inspect(found)).not.toContain('secret')
  expect(found).not.toHaveProperty('causeMessage')
})

test('a cause that is no error is left behind', () => {
  const data = errorToData(new StatementError('INSERT_FAILED', 'm', { cause: { toString: () => 'x' } }))
  expect(structuredClone(data).causeMessage).toBeUndefined()
})

test.each([
  ['an error that is not ducksink’s', new TypeError('broken'), 'broken'],
  ['what was thrown and is no error', 'broken', 'broken'],
  ['undefined', undefined, 'undefined'],
])('%s becomes data too', (_, thrown, message) => {
  const data = structuredClone(errorToData(thrown))
  expect(data).toMatchObject({ code: 'STATEMENT_FAILED', message, retryable: false })
  expect(errorFromData(data)).toBeInstanceOf(StatementError)
})

test('an unknown code is a programming error, not an error of another class', () => {
  const data = { code: 'NEVER_HEARD_OF', message: 'm', retryable: false } as unknown as ErrorData
  expect(() => errorFromData(data)).toThrow(TypeError)
})

test('what is not known of an error is no property of it', () => {
  expect(Object.keys(new ConstraintError('m', { table: 't', column: undefined }))).toEqual([
    'code',
    'retryable',
    'table',
  ])
})
