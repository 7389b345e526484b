import { TypeCursor } from './type-cursor.ts'
import type {
  DecimalType,
  LogicalType,
  MapType,
  OtherType,
  PlainType,
  PlainTypeId,
  TypeField,
} from './type-tree.ts'

export type * from './type-tree.ts'

// What keeps the tree shallow enough to recurse over; DuckDB itself refuses columns of some 160 levels and more.
const MAX_DEPTH = 1_000
const MAX_ARRAY_LENGTH = 100_000
const MAX_DECIMAL_WIDTH = 38

// Upper case; what duckdb_types() lists, and the forms of two and more words that DuckDB's grammar knows.
const ALIASES: Readonly<Record<PlainTypeId, readonly string[]>> = {
  BOOLEAN: ['BOOL', 'LOGICAL'],
  TINYINT: ['INT1'],
  SMALLINT: ['INT2', 'INT16', 'SHORT'],
  INTEGER: ['INT', 'INT4', 'INT32', 'INTEGRAL', 'SIGNED'],
  BIGINT: ['INT8', 'INT64', 'LONG', 'OID'],
  HUGEINT: ['INT128'],
  UTINYINT: ['UINT8'],
  USMALLINT: ['UINT16'],
  UINTEGER: ['UINT32'],
  UBIGINT: ['UINT64'],
  UHUGEINT: ['UINT128'],
  BIGNUM: ['VARINT'],
  FLOAT: ['FLOAT4', 'REAL'],
  DOUBLE: ['FLOAT8', 'DOUBLE PRECISION'],
  VARCHAR: ['TEXT', 'STRING', 'CHAR', 'BPCHAR', 'NVARCHAR', 'CHARACTER', 'CHARACTER VARYING', 'CHAR VARYING'],
  JSON: [],
  BLOB: ['BYTEA', 'BINARY', 'VARBINARY'],
  BIT: ['BITSTRING'],
  UUID: ['GUID'],
  DATE: [],
  TIME: ['TIME WITHOUT TIME ZONE'],
  TIME_NS: [],
  TIMETZ: ['TIME WITH TIME ZONE'],
  TIMESTAMP: ['DATETIME', 'TIMESTAMP_US', 'TIMESTAMP WITHOUT TIME ZONE'],
  TIMESTAMP_S: [],
  TIMESTAMP_MS: [],
  TIMESTAMP_NS: [],
  TIMESTAMPTZ: ['TIMESTAMP WITH TIME ZONE'],
  INTERVAL: [],
  GEOMETRY: [],
  VARIANT: [],
  NULL: [],
}

const PLAIN_TYPES: ReadonlyMap<string, PlainType> = new Map(
  Object.entries(ALIASES).flatMap(([id, aliases]) => {
    const type: PlainType = { id: id as PlainTypeId }
    return [id, ...aliases].map((name): [string, PlainType] => [name, type])
  }),
)

// What a name of one word goes on with, as one regular expression each.
const LONGER_NAMES: ReadonlyMap<string, RegExp> = new Map([
  ['TIME', /with(?:out)?\s+time\s+zone\b/iy],
  ['TIMESTAMP', /with(?:out)?\s+time\s+zone\b/iy],
  ['DOUBLE', /precision\b/iy],
  ['CHARACTER', /varying\b/iy],
  ['CHAR', /varying\b/iy],
])
const INTERVAL_UNITS =
  /(?:year|month|day|hour|minute|second)s?(?:\s+to\s+(?:month|hour|minute|second)s?)?\b/iy

const ARRAY_WORD = /array\b/iy
const COLLATE = /collate\b/iy

/**
 * Parses a type's name, as `duckdb_columns()` prints it or as users write it.
 *
 * A well-formed name that is not known becomes `{ id: 'OTHER', name }`; collations are dropped.
 * @throws {@link SchemaError} when the text is no type name, or nests deeper than 1,000 levels.
 */
export function parseLogicalType(text: string): LogicalType {
  const parser = new TypeParser(text)
  const type = parser.type(0)
  parser.end()
  return type
}

class TypeParser {
  readonly #cursor: TypeCursor
  /** Levels below the type parsed last. */
  #height = 0

  constructor(text: string) {
    this.#cursor = new TypeCursor(text)
  }

  type(depth: number): LogicalType {
    if (depth > MAX_DEPTH) throw this.#cursor.refusal('nests too deep')
    this.#height = 0
    let type = this.#base(depth)
    for (;;) {
      const isArrayWord = this.#cursor.take(ARRAY_WORD) !== undefined
      if (this.#cursor.symbol('[')) {
        const length = this.#cursor.symbol(']') ? undefined : this.#cursor.number(1, MAX_ARRAY_LENGTH)
        if (length !== undefined) this.#cursor.expect(']')
        type = length === undefined ? { id: 'LIST', element: type } : { id: 'ARRAY', element: type, length }
      } else if (isArrayWord) {
        type = { id: 'LIST', element: type }
      } else {
        return type
      }
      this.#rise(depth)
    }
  }

  end(): void {
    if (this.#cursor.take(COLLATE) !== undefined) {
      do this.#cursor.name()
      while (this.#cursor.symbol('.'))
    }
    if (!this.#cursor.isAtEnd) throw this.#cursor.refusal('cannot be read')
  }

  #base(depth: number): LogicalType {
    const start = this.#cursor.at
    const word = this.#cursor.word()
    const name = (word ?? this.#cursor.quotedName()).toUpperCase()
    if (this.#cursor.symbol('.')) return this.#other(start)
    switch (name) {
      case 'STRUCT':
      case 'ROW':
        return { id: 'STRUCT', fields: this.#fields(depth) }
      case 'UNION':
        return { id: 'UNION', members: this.#fields(depth) }
      case 'MAP':
        return this.#map(depth)
      case 'ENUM':
        return { id: 'ENUM', values: this.#enumValues() }
      case 'DECIMAL':
      case 'DEC':
      case 'NUMERIC':
        return this.#decimal()
      default:
        return this.#plain(start, name, word !== undefined)
    }
  }

  #plain(start: number, name: string, isBare: boolean): LogicalType {
    const longer = isBare ? this.#rest(LONGER_NAMES.get(name)) : ''
    const type = PLAIN_TYPES.get(name + longer)
    if (type === undefined) return this.#other(start)
    if (type.id === 'INTERVAL') this.#rest(INTERVAL_UNITS)
    const beforeParameter = this.#cursor.at
    if (!this.#cursor.symbol('(')) return type
    switch (type.id) {
      case 'VARCHAR':
      case 'BIT':
      case 'INTERVAL':
        return this.#parameterized(() => type, 0, 999_999_999)
      case 'TIMESTAMP':
        return this.#parameterized(timestampOfPrecision, 0, 9)
      case 'FLOAT':
        return this.#parameterized((bits) => ({ id: bits > 24 ? 'DOUBLE' : 'FLOAT' }), 1, 53)
      default:
        this.#cursor.at = beforeParameter
        return this.#other(start)
    }
  }

  #parameterized(typeOf: (parameter: number) => PlainType, min: number, max: number): PlainType {
    const type = typeOf(this.#cursor.number(min, max))
    this.#cursor.expect(')')
    return type
  }

  /** A name that is not known, with its qualifiers and parameters: kept as it stands. */
  #other(start: number): OtherType {
    this.#cursor.at = start
    do this.#cursor.name()
    while (this.#cursor.symbol('.'))
    if (this.#cursor.symbol('(')) {
      do this.#cursor.string() ?? this.#cursor.digits() ?? this.#cursor.name()
      while (this.#cursor.symbol(','))
      this.#cursor.expect(')')
    }
    return { id: 'OTHER', name: this.#cursor.since(start) }
  }

  #decimal(): DecimalType {
    let width = 18
    let scale = 3
    if (this.#cursor.symbol('(')) {
      width = this.#cursor.number(1, MAX_DECIMAL_WIDTH)
      scale = this.#cursor.symbol(',') ? this.#cursor.number(0, width) : 0
      this.#cursor.expect(')')
    }
    return { id: 'DECIMAL', width, scale }
  }

  #enumValues(): string[] {
    const values: string[] = []
    this.#cursor.expect('(')
    do {
      const value = this.#cursor.string()
      if (value === undefined) throw this.#cursor.refusal('misses a value')
      values.push(value)
    } while (this.#cursor.symbol(','))
    this.#cursor.expect(')')
    return values
  }

  #fields(depth: number): TypeField[] {
    const fields: TypeField[] = []
    let height = 0
    this.#cursor.expect('(')
    do {
      const name = this.#cursor.name()
      const type = this.type(depth + 1)
      height = Math.max(height, this.#height)
      fields.push({ name, type })
    } while (this.#cursor.symbol(','))
    this.#cursor.expect(')')
    this.#height = height
    this.#rise(depth)
    return fields
  }

  #map(depth: number): MapType {
    this.#cursor.expect('(')
    const key = this.type(depth + 1)
    const keyHeight = this.#height
    this.#cursor.expect(',')
    const value = this.type(depth + 1)
    this.#cursor.expect(')')
    this.#height = Math.max(keyHeight, this.#height)
    this.#rise(depth)
    return { id: 'MAP', key, value }
  }

  #rise(depth: number): void {
    this.#height++
    if (depth + this.#height > MAX_DEPTH) throw this.#cursor.refusal('nests too deep')
  }

  /** The words that a name of several words goes on with, after a space. */
  #rest(pattern: RegExp | undefined): string {
    const words = pattern === undefined ? undefined : this.#cursor.take(pattern)
    return words === undefined ? '' : ` ${words.toUpperCase().replace(/\s+/g, ' ')}`
  }
}

function timestampOfPrecision(digits: number): PlainType {
  if (digits === 0) return { id: 'TIMESTAMP_S' }
  if (digits <= 3) return { id: 'TIMESTAMP_MS' }
  return { id: digits <= 6 ? 'TIMESTAMP' : 'TIMESTAMP_NS' }
}

/** The type's name as SQL, field names always quoted; {@link parseLogicalType} reads it back as the same tree. */
export function logicalTypeName(type: LogicalType): string {
  switch (type.id) {
    case 'DECIMAL':
      return `DECIMAL(${type.width},${type.scale})`
    case 'ENUM':
      return `ENUM(${type.values.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ')})`
    case 'LIST':
      return `${logicalTypeName(type.element)}[]`
    case 'ARRAY':
      return `${logicalTypeName(type.element)}[${type.length}]`
    case 'STRUCT':
      return `STRUCT(${fieldNames(type.fields)})`
    case 'UNION':
      return `UNION(${fieldNames(type.members)})`
    case 'MAP':
      return `MAP(${logicalTypeName(type.key)}, ${logicalTypeName(type.value)})`
    case 'TIMETZ':
      return 'TIME WITH TIME ZONE'
    case 'TIMESTAMPTZ':
      return 'TIMESTAMP WITH TIME ZONE'
    case 'NULL':
      return '"NULL"'
    case 'OTHER':
      return type.name
    default:
      return type.id
  }
}

function fieldNames(fields: readonly TypeField[]): string {
  return fields.map(({ name, type }) => `"${name.replaceAll('"', '""')}" ${logicalTypeName(type)}`).join(', ')
}
