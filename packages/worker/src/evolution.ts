import { StatementType } from '@duckdb/node-api'
import type { Catalog, KnownLayout } from './catalog.ts'
import type { Connection } from './connection.ts'
import { messageOf } from './duckdb-error.ts'
import { foldIdentifier, qualifiedName, quoteIdentifier } from './identifier.ts'
import { SchemaError } from './protocol/errors.ts'
import { logicalTypeName, parseLogicalType } from './protocol/logical-type.ts'
import type { SchemaChange, TableColumn, TableReference, TableSetup } from './protocol/messages.ts'

/** Makes the tables that are absent. */
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
      if (setup.origin === 'declared') await this.#requireDeclared(present, setup.columns ?? [])
      return present
    }
    if (setup.createTableSql === undefined && setup.columns === undefined) return undefined
    const layout = await this.#create(setup)
    this.#onChange({
      table: setup.table,
      kind: 'create-table',
      before: [],
      after: layout.columns,
      origin: setup.origin,
    })
    return layout
  }

  async #requireDeclared({ table, columns }: KnownLayout, declared: readonly TableColumn[]): Promise<void> {
    for (const { name, type } of declared) {
      const found = columns.find((column) => foldIdentifier(column.name) === foldIdentifier(name))
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
    const rows = await this.#connection.rows(`SELECT typeof(CAST(NULL AS ${name})) AS name`).catch(() => [])
    return rows[0]?.name
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
      await this.#connection.run('COMMIT')
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
      const { statementType } = statement
      statement.destroySync()
      if (statementType !== StatementType.CREATE) refuse(`is of type ${StatementType[statementType]}`)
    } catch (error) {
      throw error instanceof SchemaError ? error : createError(error, name)
    }
  }
}

function createTableSql(table: Required<TableReference>, columns: readonly TableColumn[]): string {
  const definitions = columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`)
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
