import { UsageError } from './command-line.ts'
import { PeerError } from './peer-run.ts'

/** Says on stderr what an expected failure is and gives the exit code for it; throws what is a mistake in the bench itself. */
export function explain(error: unknown): number {
  if (!(error instanceof Error)) throw error
  if (error instanceof PeerError) {
    say(error.message)
    return 1
  }
  if (error.name === 'AbortError') {
    say('interrupted')
    return 130
  }
  const isUsage =
    error instanceof UsageError || String(Reflect.get(error, 'code')).startsWith('ERR_PARSE_ARGS')
  if (!isUsage) throw error
  // below the list of all that there is nobody would see what was wrong
  say(`${error.message}\n-- --help lists what there is`)
  return 2
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}
