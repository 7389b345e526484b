/** The classes of `@duckdb/node-api` whose values become those of nested types, and of the types without a JS kind. */
type NodeApiClass =
  | 'DuckDBArrayValue'
  | 'DuckDBBitValue'
  | 'DuckDBDecimalValue'
  | 'DuckDBListValue'
  | 'DuckDBMapValue'
  | 'DuckDBStructValue'
  | 'DuckDBTimeNSValue'
  | 'DuckDBTimeTZValue'
  | 'DuckDBUUIDValue'
  | 'DuckDBUnionValue'

/**
 * The fields of an instance of one of node-api's classes, else undefined.
 *
 * Told by the class's name: importing it would load DuckDB on this thread, and an app may have its own copy of it.
 */
export function nodeApiValue(
  value: unknown,
  className: NodeApiClass,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null
  return prototype?.constructor?.name === className ? (value as Record<string, unknown>) : undefined
}
