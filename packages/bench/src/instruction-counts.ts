import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { PeerError } from './peer-run.ts'

const run = promisify(execFile)

/** How often the records of a case are encoded before it counts: V8 interprets and compiles, half of all instructions. */
const WARMUP_TIMES = 30
/** How often they are encoded then. */
const TIMES = 30

/** The same code is compiled at the same moment each time, and objects are hashed alike. */
const DETERMINISTIC = ['--predictable', '--single-threaded', '--hash-seed=1', '--random-seed=1'] as const

/** V8 writes the code that it runs, so valgrind must look whether it has changed. */
const CALLGRIND = ['--tool=callgrind', '--smc-check=all-non-file', '--callgrind-out-file=/dev/null'] as const

/**
 * Counts the instructions that the built encoder takes for a row, under valgrind: the same figure however busy the
 * machine is, to a few in a million.
 *
 * @throws {@link PeerError} when valgrind is not there.
 */
export async function* countInstructions(
  core: string,
  directory: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly name: string; readonly perRow: number; readonly cases: number }> {
  const script = join(directory, 'encode-batches.mjs')
  await bundle(join(core, 'scripts/encode-batches.ts'), script)
  const { stdout } = await run(process.execPath, [script])
  const { rows, cases } = JSON.parse(stdout) as { rows: number; cases: string[] }
  for (const name of cases) {
    const [before, all] = await Promise.all(
      [WARMUP_TIMES, WARMUP_TIMES + TIMES].map((times) => count([script, name, String(times)], signal)),
    )
    yield {
      name,
      perRow: ((all ?? Number.NaN) - (before ?? Number.NaN)) / (TIMES * rows),
      cases: cases.length,
    }
  }
}

/** Node's own stripping of types would be most of what is counted. */
async function bundle(input: string, file: string): Promise<void> {
  const bundled = await rolldown({
    input,
    platform: 'node',
    resolve: { conditionNames: ['ducksink-source', 'import'] },
  })
  await bundled.write({ file, format: 'esm', codeSplitting: false })
  await bundled.close()
}

async function count(args: readonly string[], signal: AbortSignal | undefined): Promise<number> {
  const command = [...CALLGRIND, process.execPath, ...DETERMINISTIC, ...args]
  const { stderr } = await run('valgrind', command, { ...(signal && { signal }) }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT')
        throw new PeerError('counting instructions takes valgrind, which is not there')
      throw error
    },
  )
  const collected = /Collected : (\d+)/.exec(stderr)?.[1]
  if (collected === undefined) throw new PeerError(`valgrind counted nothing:\n${stderr}`)
  return Number(collected)
}
