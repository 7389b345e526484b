import duckdb from '@duckdb/node-bindings'
import type { Catalog, KnownLayout } from './catalog.ts'
import type { Connection } from './connection.ts'
import { alterError, messageOf, unlessDurable } from './duckdb-error.ts'
import { foldIdentifier, qualifiedName, quoteIdentifier } from './identifier.ts'
import { SchemaError } from './protocol/errors.ts'
import { logicalTypeName, parseLogicalType } from './protocol/logical-type.ts'
import type {
  ColumnWidening,
  DeclaredColumn,
  SchemaChange,
  TableColumn,
  TableEvolution,
  TableReference,
  TableSetup,
} from './protocol/table-messages.ts'

/** Makes the tables that are absent, and lets those that are there follow their data. */
export class Evolution {
  readonly #connection: Connection
  readonly #catalog: Catalog
  readonly #onChange: (change: SchemaChange) => void

  constructor(connection: Connection, catalog: Catalog, onChange: (change: SchemaChange) => void) {
    this.#connection = connection
    this.#catalog = catalog
    this.#onChange = onChange
  }

  /**
   * The table's columns; where it is absent, it is made as `setup` says, or `undefined` comes back.
   * @throws {@link SchemaError} where it cannot be made, or is there with other columns than declared.
   */
  async prepare(setup: TableSetup): Promise<KnownLayout | undefined> {
    const present = await this.#catalog.describe(setup.table)
    if (present !== undefined) {
      if (setup.origin === 'declared') await this.#requireDeclared(present, setup)
      return present
    }
    if (setup.createTableSql === undefined && setup.columns === undefined) return undefined
    const layout = await this.#create(setup)
    const { table, origin } = setup
    this.#onChange({ table, kind: 'create-table', before: [], after: layout.columns, origin })
    return layout
  }

  /**
   * Adds columns and widens types, all of it or nothing; what is so already is left as it is. `undefined` comes back
   * where there is no such table.
   * @throws {@link SchemaError} where DuckDB refuses.
   */
  async evolve({ table, add, widen }: TableEvolution): Promise<EvolvedTable | undefined> {
    // whoever has altered the table since is not undone
    this.#catalog.invalidate()
    const before = await this.#catalog.describe(table)
    if (before === undefined) return undefined
    const missing = add.filter(({ name }) => columnOf(before, name) === undefined)
    const narrow = widen.filter(({ name, from }) => columnOf(before, name)?.type === from)
    if (missing.length + narrow.length === 0) return { layout: before, isAltered: false }
    await this.#alter(before, missing, narrow)
    const layout = (await this.#catalog.describe(table)) as KnownLayout
    for (const { name } of missing) this.#tell(table, 'add-column', [], columnsOf(layout, name))
    for (const { name } of narrow) {
      this.#tell(table, 'alter-type', columnsOf(before, name), columnsOf(layout, name))
    }
    return { layout, isAltered: true }
  }

  async #alter(
    { table }: KnownLayout,
    missing: readonly TableColumn[],
    narrow: readonly ColumnWidening[],
  ): Promise<void> {
    const statements = [
      ...missing.map(({ name, type }) => ({ name, sql: `ADD COLUMN ${quoteIdentifier(name)} ${type}` })),
      ...narrow.map(({ name, to }) => ({ name, sql: `ALTER COLUMN ${quoteIdentifier(name)} TYPE ${to}` })),
    ]
    let column: string | undefined
    await this.#connection.run('BEGIN')
    try {
      for (const { name, sql } of statements) {
        column = name
        await this.#connection.run(`ALTER TABLE ${qualifiedName(table)} ${sql}`)
      }
      column = undefined
      await unlessDurable(this.#connection.run('COMMIT'))
    } catch (error) {
      await this.#connection.rollBack()
      throw alterError(error, { table: table.name, column })
    } finally {
      this.#catalog.invalidate()
    }
  }

  #tell(
    table: TableReference,
    kind: SchemaChange['kind'],
    before: readonly TableColumn[],
    after: readonly TableColumn[],
  ): void {
    this.#onChange({ table, kind, before, after, origin: 'inferred' })
  }

  async #requireDeclared(layout: KnownLayout, { columns = [], evolves }: TableSetup): Promise<void> {
    const { table } = layout
    for (const { name, type } of columns) {
      const found = columnOf(layout, name)
      if (found === undefined ? evolves?.columns === true : evolves?.types === true) continue
      if (found !== undefined && (sameType(found.type, type) || found.type === (await this.#typeName(type))))
        continue
      const is = found === undefined ? 'is absent' : `is ${found.type}`
      const details = { table: table.name, column: name, expected: type }
      throw new SchemaError(
        `column "${name}" of table "${table.name}" is declared as ${type} but ${is}`,
        details,
      )
    }
  }

  /** What the catalog calls a declared type: one that CREATE TYPE made is there by what it stands for. */
  async #typeName(type: string): Promise<unknown> {
    const name = logicalTypeName(parseLogicalType(type))
    const [row] = await this.#connection.texts(`SELECT typeof(CAST(NULL AS ${name}))`).catch(() => [])
    return row?.[0]
  }

  async #create(setup: TableSetup): Promise<KnownLayout> {
    const { name } = setup.table
    const sql =
      setup.createTableSql ?? createTableSql(this.#catalog.resolve(setup.table), setup.columns ?? [])
    if (setup.createTableSql !== undefined) await this.#requireOneCreate(setup.createTableSql, setup.table)
    await this.#connection.run('BEGIN')
    try {
      await this.#connection.run(sql)
      const layout = await this.#catalog.describe(setup.table)
      if (layout === undefined) {
        throw new SchemaError(
          `createTableSql of table "${name}" did not create it`,
          { table: name },
          'DDL_FAILED',
        )
      }
      await unlessDurable(this.#connection.run('COMMIT'))
      return layout
    } catch (error) {
      this.#catalog.invalidate()
      await this.#connection.rollBack()
      throw error instanceof SchemaError ? error : createError(error, name)
    }
  }

  async #requireOneCreate(sql: string, { name }: TableReference): Promise<void> {
    const refuse = (found: string): never => {
      const message = `createTableSql of table "${name}" must be exactly one CREATE statement, but it ${found}`
      throw new SchemaError(message, { table: name }, 'DDL_FAILED')
    }
    try {
      const statements = await this.#connection.extract(sql)
      if (statements.length !== 1) refuse(`holds ${statements.length} statements`)
      const statement = await (statements[0] as (typeof statements)[number])()
      const statementType = duckdb.prepared_statement_type(statement)
      duckdb.destroy_prepare_sync(statement)
      if (statementType !== duckdb.StatementType.CREATE)
        refuse(`is of type ${duckdb.StatementType[statementType]}`)
    } catch (error) {
      throw error instanceof SchemaError ? error : createError(error, name)
    }
  }
}

/** A table's columns, and whether anything was done to it. */
export interface EvolvedTable {
  readonly layout: KnownLayout
  readonly isAltered: boolean
}

function columnOf({ columns }: KnownLayout, name: string): TableColumn | undefined {
  return columns.find((column) => foldIdentifier(column.name) === foldIdentifier(name))
}

function columnsOf(layout: KnownLayout, name: string): readonly TableColumn[] {
  const column = columnOf(layout, name)
  return column === undefined ? [] : [column]
}

function createTableSql(table: Required<TableReference>, columns: readonly DeclaredColumn[]): string {
  const definitions = columns.map(
    ({ name, type, defaultSql }) =>
      `${quoteIdentifier(name)} ${type}${defaultSql === undefined ? '' : ` DEFAULT ${defaultSql}`}`,
  )
  return `CREATE TABLE ${qualifiedName(table)} (${definitions.join(', ')})`
}

function createError(error: unknown, table: string): SchemaError {
  return new SchemaError(
    `creating table "${table}" failed: ${messageOf(error)}`,
    { table, cause: error },
    'DDL_FAILED',
  )
}

function sameType(a: string, b: string): boolean {
  return comparableType(a) === comparableType(b)
}

// the names of fields do not tell upper from lower case, the values of an ENUM do
function comparableType(type: string): string {
  return JSON.stringify(parseLogicalType(type), (key, value: unknown) =>
    key === 'name' ? foldIdentifier(value as string) : value,
  )
}
