import type { KnownLayout } from './catalog.ts'
import type { Constraint, ForeignKey } from './constraints.ts'
import { foldIdentifier, qualifiedName, quoteIdentifier } from './identifier.ts'
import type { RowFault } from './protocol/insert-messages.ts'

/** A rule that rows may break: what is said of them, and the SQL that finds them in the stage. */
export interface Rule {
  readonly fault: RowFault
  /** Gives the rows that break it whatever the other rows of the part do. */
  readonly broken?: string
  /** Gives the rows that have a key in common, and a number for each such key. */
  readonly shared?: string
  /** Gives the rows that refer to what is not in the table, and the rows of the part that they refer to. */
  readonly references?: string
}

/** A column of the table. */
export interface StagedColumn {
  readonly quoted: string
  /** Where its value comes from: the part, its DEFAULT, or nowhere, as it is NULL or generated. */
  readonly origin: 'part' | 'default' | 'none'
  /** What gives its value in a scan of the part. */
  readonly value: string
  /**
   * Where it travels as text, or with text inside: the column of the stage that keeps that, its type, and the cast that
   * may fail.
   */
  readonly text: { readonly quoted: string; readonly type: string; readonly cast: string } | undefined
  /** True where the stage has it, because a rule looks at it. */
  readonly isStaged: boolean
}

/** The table of the rows that are looked at. */
interface StagedRows {
  readonly stage: string
  /** Its column with each row's place in the part. */
  readonly rowColumn: string
  readonly columns: readonly StagedColumn[]
}

/**
 * The rules that a table's rows must keep, as SQL over the stage that they are in.
 *
 * Each TRY stands alone in a WHERE: DuckDB takes an expression that it finds twice in a SELECT list out of the TRY
 * around it, where it then fails the statement.
 */
export class RowRules {
  readonly #layout: KnownLayout
  readonly #stage: string
  readonly #row: string
  readonly #columns: readonly StagedColumn[]
  readonly #target: string
  /** The table's own name, by which a CHECK may call it. */
  readonly #alias: string
  readonly #textColumns: ReadonlySet<string>

  constructor(layout: KnownLayout, { stage, rowColumn, columns }: StagedRows) {
    this.#layout = layout
    this.#stage = stage
    this.#row = quoteIdentifier(rowColumn)
    this.#columns = columns
    this.#target = qualifiedName(layout.table)
    this.#alias = quoteIdentifier(layout.table.name)
    const texts = layout.columns.filter(({ type }) => type === 'VARCHAR')
    this.#textColumns = new Set(texts.map(({ name }) => quoteIdentifier(name)))
  }

  /** The rules of some constraints, behind those of columns whose values travel as text. */
  of(constraints: readonly Constraint[]): readonly Rule[] {
    return [
      ...this.#layout.columns.flatMap(({ name, type }, index) => this.#castRule(name, type, index)),
      ...constraints.flatMap((constraint) => this.#rule(constraint) ?? []),
    ]
  }

  #castRule(name: string, type: string, index: number): readonly Rule[] {
    const { quoted, text } = this.#columns[index] as StagedColumn
    if (text === undefined) return []
    const message = `the text for column "${name}" is no ${type}`
    return [
      {
        fault: { code: 'INVALID_VALUE', column: name, expected: type, message },
        broken: this.#rowsWhere(
          `${quoted} IS NULL AND ${text.quoted} IS NOT NULL AND TRY((${text.cast}) IS NULL) IS NULL`,
        ),
      },
    ]
  }

  #rule(constraint: Constraint): Rule | undefined {
    switch (constraint.kind) {
      case 'not-null': {
        const { column } = constraint
        const message = `column "${column}" is NOT NULL and the record has no value for it`
        return {
          fault: violation(message, column),
          broken: this.#rowsWhere(`${quoteIdentifier(column)} IS NULL`),
        }
      }
      case 'check':
        return {
          fault: violation(`the record violates ${constraint.text}`),
          // as DuckDB does: what is neither false nor 0 is right, NULL as well, and what fails is wrong
          broken: this.#rowsWhere(
            `TRY(coalesce(CAST((${constraint.expression}) AS INTEGER), 1) <> 0) IS NOT TRUE`,
          ),
        }
      case 'index': {
        const fails = constraint.expressions.map((expression) => `TRY((${expression}) IS NULL) IS NULL`)
        return {
          fault: violation(`${constraint.text} cannot take a value of the record`),
          broken: fails.map((fail) => this.#rowsWhere(fail)).join(' UNION '),
        }
      }
      case 'computed':
        return constraint.isStable ? this.#computedRule(constraint.column, constraint.expression) : undefined
      case 'key':
        return this.#keyRule(constraint.text, constraint.expressions)
      case 'foreign-key':
        return this.#foreignKeyRule(constraint)
      default:
        return constraint satisfies never
    }
  }

  #computedRule(name: string, expression: string): Rule | undefined {
    const quoted = quoteIdentifier(name)
    // one that is written, or whose DEFAULT is in the stage already, has its value
    if (this.#columns.some((column) => column.quoted === quoted && column.origin !== 'none')) return undefined
    const message = `the value of column "${name}", which the record does not give, cannot be computed for it`
    return {
      fault: violation(message, name),
      broken: this.#rowsWhere(`TRY((${expression}) IS NULL) IS NULL`),
    }
  }

  #keyRule(text: string, expressions: readonly string[]): Rule {
    const names = expressions.map((_, index) => `k${index}`).join(', ')
    const items = (wrap: (expression: string) => string): string =>
      expressions.map((expression, index) => `${wrap(expression)} AS k${index}`).join(', ')
    const present = expressions.map((_, index) => `k${index} IS NOT NULL`).join(' AND ')
    // what an expression fails for is another rule's
    const staged = `(SELECT * FROM (SELECT ${this.#row} AS row, ${items((expression) => this.#stagedKey(expression))}
      FROM ${this.#stage} AS ${this.#alias}) WHERE ${present})`
    const there = `(SELECT ${items((expression) => this.#comparable(expression))} FROM ${this.#target} AS ${this.#alias})`
    const repeated = `(SELECT ${names}, system.main.min(row) AS "group" FROM ${staged} GROUP BY ${names}
      HAVING system.main.count(*) > 1)`
    return {
      fault: violation(`the record's key is there already: it violates ${text}`),
      broken: `SELECT staged.row FROM ${there} AS there JOIN ${staged} AS staged USING (${names})`,
      shared: `SELECT staged.row, "group" FROM ${staged} AS staged JOIN ${repeated} AS repeated USING (${names})`,
    }
  }

  #foreignKeyRule({ text, columns, table: other, referenced }: ForeignKey): Rule {
    const { table } = this.#layout
    const fault = violation(`the record violates ${text}`)
    const own = columns.map((column) => this.#comparable(quoteIdentifier(column)))
    const parentColumns = referenced.map(quoteIdentifier)
    const matches = own.map(
      (expression, index) => `child.k${index} = parent.${parentColumns[index]}${collationOf(expression)}`,
    )
    const keys = own.map((expression, index) => `${expression} AS k${index}`).join(', ')
    const present = own.map((expression) => `${expression} IS NOT NULL`).join(' AND ')
    const children = `(SELECT ${this.#row} AS row, ${keys} FROM ${this.#stage} WHERE ${present})`
    const parents = qualifiedName({ ...table, name: other })
    const orphans = `SELECT child.* FROM ${children} AS child
      WHERE NOT EXISTS (SELECT 1 FROM ${parents} AS parent WHERE ${matches.join(' AND ')})`
    if (foldIdentifier(other) !== foldIdentifier(table.name))
      return { fault, broken: `SELECT row FROM (${orphans})` }
    const references = `SELECT child.row, parent.${this.#row} AS parent
      FROM (${orphans}) AS child LEFT JOIN ${this.#stage} AS parent ON ${matches.join(' AND ')}`
    return { fault, references }
  }

  #rowsWhere(condition: string): string {
    return `SELECT ${this.#row} AS row FROM ${this.#stage} AS ${this.#alias} WHERE ${condition}`
  }

  /** An expression of a key as it is in the stage, where it may fail. */
  #stagedKey(expression: string): string {
    return expression.startsWith('(') ? `TRY(${expression})` : this.#comparable(expression)
  }

  /** Keys are compared byte by byte, whatever the collation of their columns. */
  #comparable(expression: string): string {
    return this.#textColumns.has(expression) || this.#textColumns.has(quoteName(expression))
      ? `(${expression}${BINARY})`
      : expression
  }
}

const BINARY = ' COLLATE "binary"'

const collationOf = (expression: string): string => (expression.endsWith(`${BINARY})`) ? BINARY : '')

// the expression of an index is a column's name, quoted where that needs it
const quoteName = (expression: string): string =>
  expression.startsWith('"') ? expression : `"${expression}"`

const violation = (message: string, column?: string): RowFault => ({
  code: 'CONSTRAINT_VIOLATED',
  column,
  expected: undefined,
  message,
})
