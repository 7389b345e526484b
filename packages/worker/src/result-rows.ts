import {
  DuckDBArrayType,
  type DuckDBDataChunk,
  DuckDBListType,
  DuckDBMapType,
  type DuckDBResult,
  DuckDBStructType,
  DuckDBStructValue,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBUnionType,
  DuckDBUnionValue,
  type DuckDBValueConverter,
  type JS,
  JSDuckDBValueConverter,
} from '@duckdb/node-api'
import { StatementError } from './protocol/errors.ts'

const PROTO = '__proto__'
/** Stands for that name while node-api reads a STRUCT; no name in DuckDB has a NUL. */
const PROTO_ALIAS = `${PROTO}\0`

/** Reads a result to its end, a plain object a row. */
export async function readRows(result: DuckDBResult): Promise<readonly object[]> {
  const names = result.deduplicatedColumnNames()
  const rows: object[] = []
  for (const chunk of await result.fetchAllChunks()) {
    for (let index = 0; index < chunk.columnCount; index++) aliasProto(chunk.getColumnVector(index).type)
    for (const values of valuesOf(chunk, names)) {
      const row: Record<string, unknown> = {}
      for (let index = 0; index < names.length; index++) setOwn(row, names[index] as string, values[index])
      rows.push(row)
    }
  }
  return rows
}

/** The values of each row, in the order of the columns. */
function valuesOf(chunk: DuckDBDataChunk, names: readonly string[]): readonly (readonly JS[])[] {
  try {
    return chunk.convertRows(exactValue)
  } catch (error) {
    const column = names.find((_, index) => !isConvertible(chunk, index))
    if (column === undefined) throw error
    const message = `column "${column}" holds a date or timestamp that no Date can hold: select it as text, by ::VARCHAR`
    throw new StatementError('STATEMENT_FAILED', message)
  }
}

function isConvertible(chunk: DuckDBDataChunk, index: number): boolean {
  try {
    chunk.convertColumnValues(index, exactValue)
    return true
  } catch (error) {
    // what else fails is not told as this
    return !(error instanceof Error && error.message.includes('out of range for JS Date'))
  }
}

// a column or a field may be called __proto__, which an assignment would take for the prototype
function setOwn<T>(object: Record<string, T>, name: string, value: T): void {
  if (name !== PROTO && name !== PROTO_ALIAS) object[name] = value
  else Object.defineProperty(object, PROTO, { value, enumerable: true, configurable: true, writable: true })
}

/** Gives fields called `__proto__` another name: node-api assigns them to the object it reads a STRUCT into. */
function aliasProto(type: DuckDBType): void {
  if (type instanceof DuckDBStructType) {
    const names = type.entryNames as string[]
    const index = names.indexOf(PROTO)
    if (index >= 0) names[index] = PROTO_ALIAS
    for (const entry of type.entryTypes) aliasProto(entry)
  } else if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    aliasProto(type.valueType)
  } else if (type instanceof DuckDBMapType) {
    aliasProto(type.keyType)
    aliasProto(type.valueType)
  } else if (type instanceof DuckDBUnionType) {
    for (const member of type.memberTypes) aliasProto(member)
  }
}

/** node-api's conversion to plain JS values, but DECIMAL and BIT are the text that is written, and no name is lost. */
const exactValue: DuckDBValueConverter<JS> = (value, type, converter) => {
  const isText = type.typeId === DuckDBTypeId.DECIMAL || type.typeId === DuckDBTypeId.BIT
  if (isText && value !== null) return String(value)
  if (type instanceof DuckDBStructType && value instanceof DuckDBStructValue) {
    const object: Record<string, JS> = {}
    for (const [index, name] of type.entryNames.entries()) {
      const field = value.entries[name] ?? null
      setOwn(object, name, converter(field, type.entryTypes[index] as DuckDBType, converter) as JS)
    }
    return object
  }
  if (type instanceof DuckDBUnionType && value instanceof DuckDBUnionValue) {
    const member = type.memberTypes[type.memberTags.indexOf(value.tag)] as DuckDBType
    return { tag: value.tag, value: converter(value.value, member, converter) as JS }
  }
  return JSDuckDBValueConverter(value, type, converter)
}
