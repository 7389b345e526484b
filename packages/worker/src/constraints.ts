import type { DuckDBListValue } from '@duckdb/node-api'
import { folded } from './catalog.ts'
import type { Connection } from './connection.ts'
import { foldIdentifier, qualifiedName, quoteIdentifier } from './identifier.ts'
import type { TableReference } from './protocol/table-messages.ts'
import type { Row } from './value-rows.ts'

/** A rule of a table that a row may break; expressions are SQL over the table's columns. */
export type Constraint =
  | { readonly kind: 'not-null'; readonly column: string }
  | { readonly kind: 'check'; readonly text: string; readonly expression: string }
  /** No two rows have the same key, unless a part of it is NULL. */
  | { readonly kind: 'key'; readonly text: string; readonly expressions: readonly string[] }
  /** An index on an expression, which may fail for a value. */
  | { readonly kind: 'index'; readonly text: string; readonly expressions: readonly string[] }
  /** What gives a column its value where it is not written, a DEFAULT or a generated column's expression, may fail. */
  | {
      readonly kind: 'computed'
      readonly column: string
      readonly expression: string
      /** False for a generated column. */
      readonly isDefault: boolean
      /** False where it comes out otherwise each time. */
      readonly isStable: boolean
    }
  | ForeignKey

/** The key must be there in the other table, unless a part of it is NULL. */
export interface ForeignKey {
  readonly kind: 'foreign-key'
  readonly text: string
  readonly columns: readonly string[]
  /** In the same schema: DuckDB has no others. */
  readonly table: string
  readonly referenced: readonly string[]
}

// The functions are named with their schema, as macros of the same names in the database would go before them.
const OF_TABLE = `
  WHERE ${folded('database_name')} = $1 AND ${folded('schema_name')} = $2 AND ${folded('table_name')} = $3`
const CONSTRAINTS_SQL = `
  SELECT constraint_type AS kind, constraint_text AS text, expression, constraint_column_names AS columns,
    referenced_table AS "table", referenced_column_names AS referenced
  FROM system.main.duckdb_constraints() ${OF_TABLE} ORDER BY constraint_index`
// the expressions come as the text of a list of texts
const INDEXES_SQL = `
  SELECT index_name AS name, is_unique, CAST(expressions AS VARCHAR[]) AS expressions
  FROM system.main.duckdb_indexes() ${OF_TABLE} ORDER BY index_oid`
const EXPRESSIONS_SQL = `
  SELECT column_name AS name, column_default AS expression
  FROM system.main.duckdb_columns() ${OF_TABLE} AND column_default IS NOT NULL`

/**
 * Reads the constraints of a table, those that its indexes make included; without the CHECKs that cannot be tried,
 * because they call random() or nextval() and would come out otherwise the next time.
 */
export async function readConstraints(
  connection: Connection,
  table: Required<TableReference>,
): Promise<readonly Constraint[]> {
  const { catalog, schema, name } = table
  const names = [catalog as string, schema as string, name].map(foldIdentifier)
  const rows = await connection.rows(CONSTRAINTS_SQL, names)
  const indexes = await connection.rows(INDEXES_SQL, names)
  const computed = await connection.rows(EXPRESSIONS_SQL, names)
  const constraints = rows.flatMap(constraintOf)
  const from = ` FROM ${qualifiedName(table)}`
  const checks = constraints.flatMap((one) => (one.kind === 'check' ? `TRY(${one.expression})` : []))
  const expressions = computed.map((row) => String(row.expression))
  const triable = await bindable(connection, checks, from)
  const stable = await bindable(
    connection,
    expressions.map((expression) => `TRY(${expression})`),
    from,
  )
  // a DEFAULT looks at no column
  const defaults = await bindable(connection, expressions, '')
  return [
    ...constraints.filter((one) => one.kind !== 'check' || triable.has(`TRY(${one.expression})`)),
    ...indexes.flatMap(constraintsOfIndex),
    ...computed.map((row): Constraint => {
      const expression = String(row.expression)
      const isStable = stable.has(`TRY(${expression})`)
      return {
        ...{ kind: 'computed', column: String(row.name), expression },
        ...{ isDefault: defaults.has(expression), isStable },
      }
    }),
  ]
}

/** Those of some expressions that DuckDB can bind. */
async function bindable(
  connection: Connection,
  expressions: readonly string[],
  from: string,
): Promise<ReadonlySet<string>> {
  if (expressions.length === 0) return new Set()
  try {
    await connection.rows(`SELECT ${expressions.join(', ')}${from} LIMIT 0`)
    return new Set(expressions)
  } catch {
    if (expressions.length === 1) return new Set()
  }
  const found = new Set<string>()
  for (const expression of expressions)
    for (const one of await bindable(connection, [expression], from)) found.add(one)
  return found
}

function constraintOf(row: Row): readonly Constraint[] {
  const columns = textsOf(row.columns)
  switch (row.kind) {
    case 'NOT NULL':
      return columns.map((column) => ({ kind: 'not-null', column }))
    case 'CHECK':
      return [{ kind: 'check', text: String(row.text), expression: String(row.expression) }]
    case 'PRIMARY KEY':
    case 'UNIQUE':
      return [{ kind: 'key', text: `the ${row.text}`, expressions: columns.map(quoteIdentifier) }]
    case 'FOREIGN KEY': {
      const table = String(row.table)
      const referenced = textsOf(row.referenced)
      // DuckDB gives no text of one that refers to its own table
      const text = `the FOREIGN KEY (${columns.join(', ')}) REFERENCES ${table}(${referenced.join(', ')})`
      return [{ kind: 'foreign-key', text, columns, table, referenced }]
    }
    default:
      return []
  }
}

function constraintsOfIndex(row: Row): readonly Constraint[] {
  const expressions = textsOf(row.expressions)
  const text = `index "${row.name}"`
  const constraints: Constraint[] = []
  if (expressions.some(isComputed)) constraints.push({ kind: 'index', text, expressions })
  if (row.is_unique === true) constraints.push({ kind: 'key', text: `the unique ${text}`, expressions })
  return constraints
}

const isComputed = (expression: string): boolean => expression.startsWith('(')

const textsOf = (list: Row[string] | undefined): string[] =>
  ((list as DuckDBListValue | null)?.items ?? []).map(String)
