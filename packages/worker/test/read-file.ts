import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

interface Answer {
  readonly rows?: unknown[][]
  readonly error?: string
}

// the file is opened for each question and closed again, as the test may want it next
const SCRIPT = `
import { DuckDBInstance } from '@duckdb/node-api'
process.on('disconnect', () => process.exit())
process.on('message', async ({ path, sql }) => {
  try {
    const instance = await DuckDBInstance.create(path)
    const connection = await instance.connect()
    const rows = (await connection.runAndReadAll(sql)).getRowsJson()
    connection.closeSync()
    instance.closeSync()
    process.send({ rows })
  } catch (error) {
    process.send({ error: error.message })
  }
})`

let reader: ChildProcess | undefined
let turn: Promise<unknown> = Promise.resolve()

/** The rows that a query of a database file gives in another process, where this one must have closed it. */
export function readFile(path: string, sql: string): Promise<unknown[][]> {
  const answer = turn.then(() => ask(path, sql))
  turn = answer.catch(() => undefined)
  return answer
}

async function ask(path: string, sql: string): Promise<unknown[][]> {
  reader ??= startReader()
  const answered = once(reader, 'message') as Promise<[Answer]>
  reader.send({ path, sql })
  const [{ rows, error }] = await answered
  if (rows === undefined) throw new Error(error)
  return rows
}

// one for all the reads of a test file; it goes when this process does
function startReader(): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.unref()
  child.channel?.unref()
  return child
}
