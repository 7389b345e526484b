import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** In this order: bytewax-duckdb brings an older DuckDB of its own, which the second step replaces. */
const INSTALLS = [['bytewax-duckdb==0.1.22'], ['--no-deps', 'duckdb==1.5.5']] as const

/** Makes a Python virtual environment that holds the real bytewax-duckdb, or takes the one made before. */
export async function preparePython(directory: string, say: (line: string) => void): Promise<string> {
  const executable = join(directory, 'bin', 'python')
  const marker = join(directory, 'installed.json')
  const wanted = JSON.stringify(INSTALLS)
  if ((await readFile(marker, 'utf8').catch(() => '')) === wanted) return executable
  say(`installing bytewax-duckdb into ${directory}`)
  await mkdir(directory, { recursive: true })
  await run('python3', ['-m', 'venv', '--clear', directory])
  for (const install of INSTALLS) {
    await run(executable, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...install])
  }
  await writeFile(marker, wanted)
  return executable
}
