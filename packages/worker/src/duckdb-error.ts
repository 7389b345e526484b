import {
  ConstraintError,
  SchemaError,
  type SinkError,
  type SinkErrorDetails,
  StatementError,
} from './protocol/errors.ts'

// DuckDB's messages begin with the kind of error: `Constraint Error: ...`. Those of constraints and conversions
// quote row values, so of them only the kind and the names go on; a `cause` would carry the values as well.

/** The error's kind by DuckDB's own name, such as `Constraint` or `Binder`; empty for what is not DuckDB's. */
export function errorKind(error: unknown): string {
  const match = /^([A-Za-z][A-Za-z ]*?) Error: /.exec(messageOf(error))
  return match?.[1] ?? ''
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * True where the failed statement may be committed nevertheless: a COMMIT that answers with an error may have
 * become durable, for instance when the checkpoint after it failed.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  const kind = errorKind(error)
  return kind === 'FATAL' || kind === 'INTERNAL' || messageOf(error).includes('Failed to commit')
}

/** What an INSERT failed with, in ducksink's terms. */
export function insertError(error: unknown, details: SinkErrorDetails): SinkError {
  const message = messageOf(error)
  const of = details.table === undefined ? '' : ` of table "${details.table}"`
  switch (errorKind(error)) {
    case 'Constraint':
      return constraintError(message, details, of)
    case 'Conversion':
    case 'Out of Range':
    case 'Invalid Input':
      return new StatementError(
        'INSERT_FAILED',
        `DuckDB could not convert a value to its column's type${of}`,
        details,
      )
    case 'Binder':
    case 'Catalog':
      return new SchemaError(`DuckDB refused the columns of a batch${of}: ${firstLine(message)}`, details)
    default:
      return new StatementError('INSERT_FAILED', `the insert${of} failed: ${firstLine(message)}`, {
        ...details,
        cause: error,
      })
  }
}

function constraintError(message: string, details: SinkErrorDetails, of: string): ConstraintError {
  const notNull = /NOT NULL constraint failed: .*?([^.]+)$/m.exec(message)
  if (notNull !== null) {
    const column = notNull[1] as string
    return new ConstraintError(`column "${column}"${of} is NOT NULL and a record has no value for it`, {
      ...details,
      column,
    })
  }
  const check = /CHECK constraint failed on table .*? with expression (CHECK.*)$/ms.exec(message)
  if (check !== null) return new ConstraintError(`a record violates ${check[1]}${of}`, details)
  if (/foreign key/i.test(message))
    return new ConstraintError(`a record violates a FOREIGN KEY${of}`, details)
  const key = /Duplicate key "(.*)" violates (primary key|unique) constraint/s.exec(message)
  if (key !== null) {
    const kind = key[2] === 'unique' ? 'UNIQUE' : 'PRIMARY KEY'
    return new ConstraintError(`a record's key is already there: it violates the ${kind}${of}`, details)
  }
  if (/PRIMARY KEY or UNIQUE/i.test(message)) {
    return new ConstraintError(
      `two records of the batch have the same PRIMARY KEY or UNIQUE key${of}`,
      details,
    )
  }
  return new ConstraintError(`a record violates a constraint${of}`, details)
}

const firstLine = (message: string): string => message.split('\n', 1)[0] as string
