import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A row as another process read it: DuckDB's own values by column name, dates and the like as their parts. */
export type ReadRow = Readonly<Record<string, unknown>>

interface Answer {
  readonly rows?: ReadRow[]
  readonly error?: string
}

// the file is opened for each question and closed again, as an engine here may want it next
const SCRIPT = `
import { DuckDBInstance } from '@duckdb/node-api'
process.on('disconnect', () => process.exit())
process.on('message', async ({ path, sql }) => {
  try {
    const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' })
    const connection = await instance.connect()
    const rows = (await connection.runAndReadAll(sql)).getRowObjects()
    connection.closeSync()
    instance.closeSync()
    process.send({ rows })
  } catch (error) {
    process.send({ error: error.message })
  }
})`

let reader: ChildProcess | undefined
let turn: Promise<unknown> = Promise.resolve()

/** What a query finds in a database file, read by another process; every engine must have closed it. */
export function readFile(path: string, sql: string): Promise<readonly ReadRow[]> {
  const answer = turn.then(() => ask(path, sql))
  turn = answer.catch(() => undefined)
  return answer
}

/** The one value that a query of a database file gives, read by another process. */
export async function readValue(path: string, sql: string): Promise<unknown> {
  const [row = {}] = await readFile(path, sql)
  return Object.values(row)[0]
}

async function ask(path: string, sql: string): Promise<readonly ReadRow[]> {
  reader ??= startReader()
  const answered = once(reader, 'message') as Promise<[Answer]>
  reader.send({ path, sql })
  const [{ rows, error }] = await answered
  if (rows === undefined) throw new Error(error)
  return rows
}

// one for all the reads of a test file; it goes when this process does
function startReader(): ChildProcess {
  const child = spawn(process.execPath, [...process.execArgv, '--input-type=module', '-e', SCRIPT], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  child.unref()
  child.channel?.unref()
  return child
}
