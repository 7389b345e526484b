import {
  type DeclaredColumn,
  deadLetterTable,
  foldIdentifier,
  identifierProblem,
  LEDGER_NAMES,
  parseLogicalType,
  type SinkError,
  type TableColumn,
} from '@ducksink/worker'
import type { BadRecordsMode } from './bad-records.ts'
import type { ContractMode, SchemaContract } from './options.ts'
import type { OptionsCheck } from './options-check.ts'
import { isStandardSchema, type StandardSchema } from './standard-schema.ts'

/** A table's options with every default filled in. */
export interface ResolvedTableOptions {
  readonly createTableSql: string | undefined
  readonly columns: readonly DeclaredColumn[] | undefined
  readonly contract: Required<SchemaContract>
  readonly badRecords: BadRecordsMode
  readonly schema: StandardSchema | undefined
}

/** What a table gets that no option names. */
export const DEFAULT_TABLE_OPTIONS: ResolvedTableOptions = {
  createTableSql: undefined,
  columns: undefined,
  contract: { tables: 'evolve', columns: 'freeze', types: 'freeze' },
  badRecords: 'fail-batch',
  schema: undefined,
}

const LEDGER_TABLES: readonly string[] = Object.values(LEDGER_NAMES)
const CONTRACT_MODES: readonly ContractMode[] = ['evolve', 'freeze', 'discard-value']
const BAD_RECORDS_MODES: readonly BadRecordsMode[] = ['fail-batch', 'skip', 'dead-letter']

/** Checks the options of an engine's tables, and fills in the defaults. */
export function resolveTables(
  check: OptionsCheck,
  value: unknown,
): ReadonlyMap<string, ResolvedTableOptions> {
  const tables = new Map<string, ResolvedTableOptions>()
  if (value === undefined) return tables
  const names = new Map<string, string>()
  for (const [name, options] of Object.entries(check.object('tables', value))) {
    const problem = identifierProblem(name)
    if (problem !== undefined) check.problem(`tables: a table's name ${problem}`)
    const other = names.get(foldIdentifier(name))
    if (other !== undefined) check.problem(`tables: "${other}" and "${name}" are the same table`)
    names.set(foldIdentifier(name), name)
    if (LEDGER_TABLES.includes(foldIdentifier(name)))
      check.problem(`tables: "${name}" belongs to the engine's ledger`)
    const table = resolveTable(check, `tables["${name}"]`, options)
    const letterProblem = identifierProblem(deadLetterTable({ name }).name)
    if (table.badRecords === 'dead-letter' && problem === undefined && letterProblem !== undefined)
      check.problem(`tables: the name of the dead letter table of "${name}" ${letterProblem}`)
    tables.set(name, table)
  }
  return tables
}

function resolveTable(check: OptionsCheck, path: string, value: unknown): ResolvedTableOptions {
  const given = check.object(path, value, [
    'createTableSql',
    'columns',
    'schemaContract',
    'badRecords',
    'schema',
  ])
  const createTableSql =
    given.createTableSql === undefined
      ? undefined
      : check.text(`${path}.createTableSql`, given.createTableSql)
  if (createTableSql !== undefined && given.columns !== undefined) {
    check.problem(`${path}: createTableSql and columns exclude each other`)
  }
  const columns = resolveColumns(check, `${path}.columns`, given.columns)
  const contract = resolveContract(check, `${path}.schemaContract`, given.schemaContract)
  const badRecords = check.oneOf(`${path}.badRecords`, given.badRecords, BAD_RECORDS_MODES, 'fail-batch')
  const schema = given.schema as StandardSchema | undefined
  if (schema !== undefined && !isStandardSchema(schema)) {
    check.problem(`${path}.schema must be a validator with the property "~standard", of version 1`)
  }
  return { createTableSql, columns, contract, badRecords, schema }
}

function resolveContract(check: OptionsCheck, path: string, value: unknown): Required<SchemaContract> {
  const defaults = DEFAULT_TABLE_OPTIONS.contract
  if (value === undefined) return defaults
  const given = check.object(path, value, ['tables', 'columns', 'types'])
  const mode = (name: keyof SchemaContract): ContractMode =>
    check.oneOf(`${path}.${name}`, given[name], CONTRACT_MODES, defaults[name])
  return { tables: mode('tables'), columns: mode('columns'), types: mode('types') }
}

function resolveColumns(
  check: OptionsCheck,
  path: string,
  value: unknown,
): readonly TableColumn[] | undefined {
  const types = check.texts(path, value)
  if (types === undefined) return undefined
  const columns = Object.entries(types).map(([name, type]) => ({ name, type }))
  if (columns.length === 0) check.problem(`${path} must name at least one column`)
  for (const { name, type } of columns) {
    const problem = identifierProblem(name)
    if (problem !== undefined) check.problem(`${path}: a column's name ${problem}`)
    if (typeof type === 'string' && type !== '') checkType(check, `${path}["${name}"]`, type)
  }
  return columns
}

// only a type: a constraint would be lost on a table that is there
function checkType(check: OptionsCheck, path: string, type: string): void {
  try {
    parseLogicalType(type)
  } catch (error) {
    check.problem(`${path} must be a type: ${(error as SinkError).message}`)
  }
}
