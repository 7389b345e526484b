import { join } from 'node:path'
import { inspect, parseArgs } from 'node:util'
import { SinkEngine } from '@ducksink/core'
import { batchesByMonth } from './flight-batches.ts'
import { FlightFile } from './flight-file.ts'
import { FLIGHTS_TABLE, type WriteFigures, writeFlights } from './flight-write.ts'
import { createProgress } from './progress.ts'
import { answerQuestions, countFlights, formatFigures } from './report.ts'
import { TemporaryDirectory } from './temporary-directory.ts'

const USAGE = `npm run demo -- [options]
  --rows N   write the first N flights only
  --help`

/** Rows of a batch at most: a DuckDB row group. */
const MAX_BATCH_ROWS = 122_880

/** The user ends the demo. */
class Interruption extends Error {
  override readonly name = 'Interruption'
}

/** The command line asks for what is not there. */
class UsageError extends Error {
  override readonly name = 'UsageError'
}

function parseRowLimit(args: readonly string[]): number | 'help' {
  const { values } = parseArgs({
    args: args.filter((arg) => arg !== '--'),
    options: { rows: { type: 'string', default: 'Infinity' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) return 'help'
  const rowLimit = Number(values.rows)
  if (rowLimit !== Number.POSITIVE_INFINITY && (!Number.isSafeInteger(rowLimit) || rowLimit < 1)) {
    throw new UsageError(`--rows ${values.rows} is no count`)
  }
  return rowLimit
}

function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

// A terminal's Ctrl-C reaches every process of it, and npm hands its own on: more than one signal is one wish.
function stopOnSignals(): AbortController {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new Interruption(signal)))
  }
  process.stdout.on('error', () => stop.abort(new Interruption('nobody reads the output')))
  return stop
}

async function write(engine: SinkEngine, stop: AbortController, rowLimit: number): Promise<WriteFigures> {
  const file = await FlightFile.open()
  const rowCount = Math.min(file.rowCount, rowLimit)
  say(`${rowCount.toLocaleString('en')} flights of vega-datasets, read by hyparquet on the main thread\n`)
  const batches = batchesByMonth(file.slices(rowCount), MAX_BATCH_ROWS)
  const progress = createProgress(rowCount, process.stdout)
  try {
    return await writeFlights(batches, { engine, progress, stop })
  } finally {
    progress.stop()
  }
}

async function runDemo(rowLimit: number, stop: AbortController): Promise<void> {
  using directory = new TemporaryDirectory()
  await using engine = await SinkEngine.open({
    path: join(directory.path, 'flights.duckdb'),
    tables: { flights: FLIGHTS_TABLE },
  })
  engine.on('error', (error) => stop.abort(error))
  const figures = await write(engine, stop, rowLimit)
  const counted = await countFlights(engine, stop.signal)
  if (counted !== figures.rowsRead) {
    throw new Error(`${figures.rowsRead} flights were read, ${counted} are in the table`)
  }
  say(`\n${formatFigures(figures)}\n`)
  for await (const answer of answerQuestions(engine, counted, stop.signal)) say(`${answer}\n`)
}

/** Says what ended the demo, and gives the exit code for it. */
function explain(error: unknown): number {
  if (error instanceof Interruption) {
    process.stderr.write('interrupted; what was written is removed\n')
    return 130
  }
  const isUsage =
    error instanceof Error &&
    (error instanceof UsageError || String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS'))
  process.stderr.write(isUsage ? `${error.message}\n${USAGE}\n` : `${inspect(error)}\n`)
  return isUsage ? 2 : 1
}

try {
  const rowLimit = parseRowLimit(process.argv.slice(2))
  if (rowLimit === 'help') say(USAGE)
  else await runDemo(rowLimit, stopOnSignals())
} catch (error) {
  process.exitCode = explain(error)
}
