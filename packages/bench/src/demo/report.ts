import type { SinkEngine } from '@ducksink/core'
import { formatTable } from '../text-table.ts'
import type { WriteFigures } from './flight-write.ts'

/** What is asked of the engine; `$1` is the number of flights from which a route counts. */
const QUESTIONS = [
  {
    title: 'The busiest airports',
    sql: `
      SELECT origin AS airport, count(*) AS departures, format('{:.1f}', avg(delay)) AS "mean delay (min)",
        format('{:.1f}', 100 * avg((delay >= 15)::INTEGER)) AS "15 min late or more (%)"
      FROM flights GROUP BY airport ORDER BY departures DESC LIMIT 5`,
  },
  {
    title: 'Delays by hour of departure',
    sql: `
      SELECT format('{:02d} to {:02d} h', 3 * (hour(date) // 3), 3 * (hour(date) // 3) + 3) AS departure,
        count(*) AS flights, format('{:.1f}', avg(delay)) AS "mean delay (min)",
        quantile_disc(delay, 0.95) AS "19 in 20 at most (min)"
      FROM flights GROUP BY hour(date) // 3 ORDER BY hour(date) // 3`,
  },
  {
    title: 'The routes with the worst delays',
    sql: `
      SELECT origin || ' - ' || destination AS route, any_value(distance) AS miles, count(*) AS flights,
        format('{:.1f}', avg(delay)) AS "mean delay (min)", format('{:.1f}', max(delay) / 60) AS "longest (h)"
      FROM flights GROUP BY origin, destination HAVING count(*) >= $1 ORDER BY avg(delay) DESC LIMIT 5`,
    parameters: (rowCount: number) => [Math.ceil(rowCount / 3_000)],
  },
] as const

/** Says what writing took. */
export function formatFigures(figures: WriteFigures): string {
  const { rowsRead, batchCount, durationMs, pauses, delayP99Ms, delayMaxMs } = figures
  const rate = rowsRead / (durationMs / 1_000)
  const peakMiB = process.resourceUsage().maxRSS / 1_024
  return [
    `${whole(rowsRead)} rows committed in ${(durationMs / 1_000).toFixed(2)} s`,
    '',
    `batches             ${whole(batchCount)}, each of one month`,
    `rows a second       ${whole(rate)}, from the file's first page to the last receipt`,
    `event loop          stalled ${delayMaxMs.toFixed(1)} ms at the longest, p99 ${delayP99Ms.toFixed(1)} ms, reading with hyparquet included`,
    `backpressure        the source waited ${whole(pauses)} times until the engine had room`,
    `peak memory (RSS)   ${whole(peakMiB)} MiB, DuckDB's included`,
  ].join('\n')
}

/** Has the engine count the rows. */
export async function countFlights(engine: SinkEngine, signal: AbortSignal): Promise<number> {
  const sql = 'SELECT count(*) AS flights FROM flights'
  const [row] = await engine.query<{ flights: bigint }>(sql, [], { signal })
  return Number(row?.flights)
}

/** Has the engine answer the questions, one after another. */
export async function* answerQuestions(
  engine: SinkEngine,
  rowCount: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (const question of QUESTIONS) {
    const parameters = 'parameters' in question ? question.parameters(rowCount) : []
    const startedAt = performance.now()
    const rows = await engine.query(question.sql, parameters, { signal })
    const durationMs = performance.now() - startedAt
    const cells = rows.map((row) => Object.values(row).map(formatCell))
    yield `${question.title} (${whole(durationMs)} ms)\n\n${formatTable(Object.keys(rows[0] ?? {}), cells)}`
  }
}

function formatCell(value: unknown): string {
  return typeof value === 'number' || typeof value === 'bigint' ? value.toLocaleString('en') : String(value)
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
