import {
  DEAD_LETTER_COLUMNS,
  deadLetterTable,
  foldIdentifier,
  InvalidOptionsError,
  identifierProblem,
  LEDGER_NAMES,
  type TableReference,
  type TableSetup,
} from '@ducksink/worker'
import type { TableName } from './options.ts'
import { DEFAULT_TABLE_OPTIONS, type ResolvedTableOptions } from './resolved-tables.ts'
import { TableState, type TableWorker, tableSetup } from './table-state.ts'

/** What tables do their work with. */
export interface TablesContext extends TableWorker {
  /** The catalog that tables are in that name none. */
  readonly catalog: () => string
}

/** The tables that an engine has been asked for. */
export class Tables {
  readonly #options: ReadonlyMap<string, ResolvedTableOptions>
  /** The same options, by the table's key. */
  readonly #optionsByKey: ReadonlyMap<string, ResolvedTableOptions>
  readonly #context: TablesContext
  readonly #states = new Map<string, TableState>()
  /** The same by the names that they were asked for with: the key of one costs as much as to encode a record. */
  readonly #byName = new Map<string, TableState>()

  constructor(options: ReadonlyMap<string, ResolvedTableOptions>, context: TablesContext) {
    this.#options = options
    this.#optionsByKey = new Map([...options].map(([name, table]) => [keyOf({ name }), table]))
    this.#context = context
  }

  /**
   * A table by its name.
   * @throws {@link InvalidOptionsError} where the name can be none.
   */
  get(name: TableName): TableState {
    if (typeof name !== 'string') return this.#find(name)
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const state = this.#find(name)
    this.#byName.set(name, state)
    return state
  }

  #find(name: TableName): TableState {
    const reference = this.#withoutOwnCatalog(referenceOf(name))
    const key = keyOf(reference)
    const known = this.#states.get(key)
    if (known !== undefined) return known
    const options = this.#optionsByKey.get(key) ?? DEFAULT_TABLE_OPTIONS
    const state = new TableState(reference, options, this.#context)
    this.#states.set(key, state)
    return state
  }

  /** The ledger's table of offsets, which no batch has rows for. */
  get offsets(): TableState {
    return new TableState({ name: LEDGER_NAMES.offsets }, DEFAULT_TABLE_OPTIONS, this.#context)
  }

  /** How the tables are to be made that the options describe, each with that of its dead letters. */
  setups(): readonly TableSetup[] {
    return [...this.#options]
      .filter(([, options]) => options.createTableSql !== undefined || options.columns !== undefined)
      .flatMap(([name, options]) => {
        const setup = tableSetup({ name }, options)
        if (options.badRecords !== 'dead-letter') return setup
        return [setup, { table: deadLetterTable({ name }), columns: DEAD_LETTER_COLUMNS, origin: 'declared' }]
      })
  }

  /** Makes the columns of every table be read again before they are used. */
  invalidate(): void {
    for (const state of this.#states.values()) state.invalidate()
  }

  /** The target's own catalog says nothing: with it and without it a table has the same options, state and ledger. */
  #withoutOwnCatalog({ catalog, ...table }: TableReference): TableReference {
    const isOwn = catalog === undefined || foldIdentifier(catalog) === foldIdentifier(this.#context.catalog())
    return isOwn ? table : { catalog, ...table }
  }
}

// the same for every spelling that DuckDB takes for the same table
const keyOf = ({ catalog, schema = 'main', name }: TableReference): string =>
  foldIdentifier(JSON.stringify([catalog, schema, name]))

const REFERENCE_FIELDS: ReadonlySet<string> = new Set<keyof TableReference>(['catalog', 'schema', 'name'])

function referenceOf(name: TableName): TableReference {
  const reference = typeof name === 'string' ? { name } : name
  if (typeof reference !== 'object' || reference === null) {
    throw new InvalidOptionsError('a table is a name or { catalog, schema, name }', {}, 'INVALID_ARGUMENT')
  }
  const stranger = Object.keys(reference).find((field) => !REFERENCE_FIELDS.has(field))
  if (stranger !== undefined) {
    throw new InvalidOptionsError(
      `a table has no "${stranger}": it is { catalog, schema, name }`,
      {},
      'INVALID_ARGUMENT',
    )
  }
  requireNames(reference)
  if (isLedger(reference)) {
    const message = `table "${reference.name}" belongs to the engine's ledger and is written by nothing else`
    throw new InvalidOptionsError(message, { table: reference.name }, 'INVALID_ARGUMENT')
  }
  return reference
}

/** True for a table that the ledger of a database is in. */
function isLedger({ schema = 'main', name }: TableReference): boolean {
  const names: readonly string[] = Object.values(LEDGER_NAMES)
  return foldIdentifier(schema) === 'main' && names.includes(foldIdentifier(name))
}

function requireNames(reference: TableReference): void {
  const parts = { catalog: reference.catalog, schema: reference.schema, name: reference.name }
  for (const [part, name] of Object.entries(parts)) {
    if (name === undefined && part !== 'name') continue
    const problem = identifierProblem(name)
    if (problem !== undefined)
      throw new InvalidOptionsError(`a table's ${part} ${problem}`, {}, 'INVALID_ARGUMENT')
  }
}
