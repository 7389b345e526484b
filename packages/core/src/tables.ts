import {
  InvalidOptionsError,
  identifierProblem,
  type TableReference,
  type TableSetup,
} from '@ducksink/worker'
import { DEFAULT_TABLE_OPTIONS, type ResolvedTableOptions, type TableName } from './options.ts'
import { type PrepareTable, TableState } from './table-state.ts'

/** The tables that an engine has been asked for. */
export class Tables {
  readonly #options: ReadonlyMap<string, ResolvedTableOptions>
  readonly #prepareTable: PrepareTable
  readonly #states = new Map<string, TableState>()

  constructor(options: ReadonlyMap<string, ResolvedTableOptions>, prepareTable: PrepareTable) {
    this.#options = options
    this.#prepareTable = prepareTable
  }

  /**
   * A table by its name.
   * @throws {@link InvalidOptionsError} where the name can be none.
   */
  get(name: TableName): TableState {
    const key = typeof name === 'string' ? name : keyOf(name)
    const known = this.#states.get(key)
    if (known !== undefined) return known
    const reference = typeof name === 'string' ? { name } : name
    requireNames(reference)
    // options are by plain name: a table of another schema or catalog has none
    const isPlain = reference.catalog === undefined && reference.schema === undefined
    const options = (isPlain ? this.#options.get(reference.name) : undefined) ?? DEFAULT_TABLE_OPTIONS
    const state = new TableState(reference, options, this.#prepareTable)
    this.#states.set(key, state)
    return state
  }

  /** How the tables are to be made that the options describe. */
  setups(): readonly TableSetup[] {
    return [...this.#options]
      .filter(([, options]) => options.createTableSql !== undefined || options.columns !== undefined)
      .map(([name, { createTableSql, columns }]) => ({
        table: { name },
        createTableSql,
        columns,
        origin: 'declared',
      }))
  }

  /** Makes the columns of every table be read again before they are used. */
  invalidate(): void {
    for (const state of this.#states.values()) state.invalidate()
  }
}

// a name holds no NUL, so that none is taken for another table's parts
function keyOf(reference: TableReference): string {
  if (typeof reference !== 'object' || reference === null) {
    throw new InvalidOptionsError('a table is a name or { catalog, schema, name }', {}, 'INVALID_ARGUMENT')
  }
  return `\0${JSON.stringify([reference.catalog, reference.schema, reference.name])}`
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
