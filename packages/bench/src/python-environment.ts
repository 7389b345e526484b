import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PeerError } from './peer-run.ts'

const run = promisify(execFile)

/** In this order: bytewax-duckdb brings an older DuckDB of its own, which the second step replaces. */
const INSTALLS = [['bytewax-duckdb==0.1.22'], ['--no-deps', 'duckdb==1.5.5']] as const

/**
 * Makes a Python virtual environment that holds the real bytewax-duckdb, or takes the one made before.
 *
 * @throws {@link PeerError} where there is no Python, or no way to what it is to hold.
 */
export async function preparePython(directory: string, say: (line: string) => void): Promise<string> {
  const executable = join(directory, 'bin', 'python')
  const marker = join(directory, 'installed.json')
  const wanted = JSON.stringify(INSTALLS)
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted) return executable
  say(`installing bytewax-duckdb into ${directory}`)
  await mkdir(directory, { recursive: true })
  await install(directory, executable).catch((cause: Error) => {
    const needs = 'bytewax-duckdb takes python3 with venv, and PyPI or a mirror that pip knows'
    throw new PeerError(`${needs}; npm run bench goes without it\n${cause.message.trim()}`, { cause })
  })
  await writeFile(marker, wanted)
  return executable
}

async function install(directory: string, executable: string): Promise<void> {
  await run('python3', ['-m', 'venv', '--clear', directory])
  for (const packages of INSTALLS)
    await run(executable, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages])
}
