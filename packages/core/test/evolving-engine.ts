import type { SchemaContract, SinkEngine } from '../src/index.ts'
import { openEngine } from './open-engine.ts'

/** An engine whose table `t` is there with these columns. */
export async function openWith(
  schemaContract: SchemaContract,
  columns: string,
  path?: string,
): Promise<SinkEngine> {
  const engine = await openEngine({ tables: { t: { schemaContract } }, ...(path && { path }) })
  await engine.query(`CREATE TABLE t (${columns})`)
  return engine
}

/** The columns of table `t`, as `name TYPE`. */
export async function columnsOf(engine: SinkEngine): Promise<string[]> {
  const columns = await engine.query<{ column_name: string; column_type: string }>('DESCRIBE t')
  return columns.map(({ column_name: name, column_type: type }) => `${name} ${type}`)
}
