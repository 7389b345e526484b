import type { FaultResult } from './campaign.ts'
import type { Circumstances } from './circumstances.ts'
import type { ControlResult } from './controls.ts'

/** What the page tells of. */
export interface SuiteResults {
  readonly circumstances: Circumstances
  readonly results: readonly FaultResult[]
  readonly controls: readonly ControlResult[]
}

/** Writes the page of results, `docs/reliability.md`. */
export function reliabilityPage({ circumstances, results, controls }: SuiteResults): string {
  const runs = results.reduce((total, result) => total + result.runs, 0)
  const failures = results.reduce((total, result) => total + result.failures, 0)
  return `${[
    INTRODUCTION,
    ...circumstancesLines(circumstances, { runs, failures }),
    '',
    ...table(
      ['what is broken', 'runs', 'failures', 'repaired', 'receipts', 'unanswered, there', 'what happened'],
      results.map((result) => [
        result.name,
        result.skipped === undefined ? String(result.runs) : 'not run',
        String(result.failures),
        count(result.counts.repaired),
        count(result.counts.receipts),
        `${count(result.counts.unanswered)}, ${count(result.counts['unanswered, there'])}`,
        remark(result),
      ]),
    ),
    '',
    CONTROLS,
    '',
    ...table(
      ['broken build', 'found by', 'caught', 'for example'],
      controls.map(({ name, fault, runs, caught, findings }) => [
        name,
        fault,
        `${caught} of ${runs} runs`,
        findings[0] === undefined ? '' : `${findings[0].kind}: ${findings[0].message}`,
      ]),
    ),
    '',
    LIMITS,
  ].join('\n')}\n`
}

const INTRODUCTION = `# Reliability

A receipt is a promise: the rows, the dead letters and the ledger's entry of that write are in the database, all of
them, and stay there when the worker or the process dies in the next moment. This page says how that was tried. It is
written by the suite that tries it, \`npm run test:faults\`; a short form of the suite is a part of \`npm test\`.

## How it is tried

An app in a process of its own writes batches of 1 to 20,000 rows, up to 64 of them at a time, some with records that
are set aside. It tells its parent of every call, receipt and rejection before it goes on. The parent breaks it. A third
process then reads the file, with DuckDB alone, and compares it with what was told:

- every batch with a receipt is there, and no batch more often than it was acknowledged;
- every batch that is there is whole: its rows, each with its own values, its dead letters, and its entry in the ledger;
- every batch that was rejected as not written is not there;
- a batch of which nobody was told is there as a whole or not at all.

Then a new engine writes everything again. Under \`exactly-once\` that is every batch, and each key must be there once;
otherwise it is what was missing. It must also take a fresh batch, and close. A receipt for a duplicate must say what the
first one said. A run fails for any of these, and also where the fault did not come to pass.

In places that have a name, the worker does it to itself when it gets there: the functions of DuckDB's bindings are
wrapped in that one process. Nothing of it is in the engine.

## Results

*Repaired* are the runs whose file was torn as [below](#what-duckdb-does-not-survive) and opened with
\`repairTornCheckpoint\`; they were verified after that like all others. *Unanswered* are the writes of which an app was told
nothing, as it was gone, or only that their outcome is unknown; of these some were there.
`

const CONTROLS = `## Would it be noticed?

The same suite on builds that break a promise on purpose, made by a change to the worker's sources as they are loaded:`

const LIMITS = `## What DuckDB does not survive

A checkpoint adds metadata to a block that the last checkpoint uses as well: it writes the block in place, 256 KiB under one
checksum. A process that is killed in the middle of that write leaves a file that DuckDB does not open, or whose block it
refuses when that is first read: \`Corrupt database file: computed checksum ... does not match stored checksum\`. Nothing is
lost by it but the checksum, as the checkpoint has changed nothing there that the file in force uses. It was met in one of
200 runs with a checkpoint after each commit, and not with the default, a checkpoint after 64 MiB of log.

The engine looks for that where a checkpoint was cut off: the log ends with one, or the lock of a process that is gone lies
beside a file without a log. It then refuses the file (\`TARGET_TORN\`), or repairs it where it is opened with
\`repairTornCheckpoint: true\`: it writes the checksum that the block should have, of a block of metadata of the header in force,
if it is the only one that is wrong, and if no single byte explains the difference. The block as it was is kept in
\`<file>.torn-block-<number>\`, synced before anything is written. The file is then opened read-only, with every table's
metadata read; where that fails it is put back as it was. Damage of any other kind stays the error that it is.

## What was not tried

- **Power loss**, and disks that say that they have written what they have not. A process that is killed leaves what it
  has written with the operating system; a machine that stops does not. The cut log stands for a part of that: the file
  opens and no batch is torn, but receipts whose commits lay in the part that was cut off are lost.
- **Damage in the middle of a file**: bits that change, blocks that are lost; but what can be taken for a torn checkpoint.
- **Network file systems**, and containers on several hosts that share one.
- **Systems other than Linux.**
- A hang in native code can be told, not ended: the engine is \`failed\`, and the process has to be ended.
- Targets other than a file.`

function circumstancesLines(
  { date, seed, durationS, node, duckdb, ducksink, system, cores }: Circumstances,
  { runs, failures }: { readonly runs: number; readonly failures: number },
): string[] {
  const minutes = (durationS / 60).toFixed(1)
  return [
    `${date}: **${runs} runs, ${failures} failures**, in ${minutes} minutes on ${cores} cores. Node ${node}, DuckDB ${duckdb}, ducksink ${ducksink}, ${system}.`,
    `\`npm run test:faults -- --seed ${seed}\` runs the same again, as far as time and the kernel allow it.`,
  ]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

/** Counts that have a column of their own. */
const COLUMNS: ReadonlySet<string> = new Set(['repaired', 'receipts', 'unanswered', 'unanswered, there'])

/** What is worth saying of a fault's runs. */
function remark({ note, counts, skipped }: FaultResult): string {
  if (skipped !== undefined) return skipped
  const told = Object.entries(counts).filter(([name]) => !COLUMNS.has(name))
  const figures = told.map(([name, figure]) => `${name}: ${count(figure)}`).join(', ')
  return [note, figures].filter((text) => text !== undefined && text !== '').join('; ')
}

const count = (figure = 0): string => figure.toLocaleString('en')
