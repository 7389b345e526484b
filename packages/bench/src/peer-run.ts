import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type {
  Job,
  OpenJob,
  OpenResult,
  Result,
  StreamJob,
  StreamResult,
  WriteJob,
  WriteResult,
} from './job.ts'
import { siblingModule } from './sibling-module.ts'

/** No peer takes this long; one that hangs must not hang the bench. A long stream writes for minutes. */
const TIMEOUTS_MS = { write: 300_000, open: 60_000, stream: 1_800_000 } as const satisfies Record<
  Job['kind'],
  number
>

/** How the harness starts a peer's process and where it may put files. */
export interface Surroundings {
  /** A folder for target files; each run has one of its own in it, removed afterwards. */
  readonly directory: string
  /** The Python that has bytewax-duckdb, where it takes part. */
  readonly python?: { readonly executable: string; readonly script: string }
  /** For peers that are Node processes, as of its profiler. */
  readonly nodeFlags?: readonly string[]
  /** Ends the peer that is running. */
  readonly signal?: AbortSignal
}

/** A peer failed, hung, or wrote other rows than it was given. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
}

/**
 * Starts a process for a job, and settles when it is gone: until then it may still write into its folder.
 *
 * @throws {@link PeerError} when it does not end well.
 */
export async function runJob(job: WriteJob, surroundings: Surroundings): Promise<WriteResult>
export async function runJob(job: OpenJob, surroundings: Surroundings): Promise<OpenResult>
export async function runJob(job: StreamJob, surroundings: Surroundings): Promise<StreamResult>
export async function runJob(job: Job, surroundings: Surroundings): Promise<Result> {
  const child = spawnPeer(job, surroundings)
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const closed = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(String(code ?? signal)))
  })
  const [reply, problems, outcome] = await Promise.all([
    text(child.stdio[3] as Readable),
    text(child.stderr as Readable),
    closed,
  ])
  if (failure !== undefined) throw failure
  if (outcome !== '0') {
    const who = job.kind === 'stream' ? 'ducksink' : job.peer
    const late =
      outcome === 'SIGTERM' ? `, perhaps as it took longer than ${TIMEOUTS_MS[job.kind] / 1_000} s` : ''
    throw new PeerError(`${who} ended with ${outcome}${late}:\n${problems.trim()}`)
  }
  return JSON.parse(reply) as Result
}

function spawnPeer(job: Job, { python, nodeFlags = [], signal }: Surroundings): ChildProcess {
  const options = {
    // The result comes by descriptor 3; what a peer or its logger prints is kept out of this process's output.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'] as const,
    timeout: TIMEOUTS_MS[job.kind],
    ...(signal && { signal }),
  }
  const argument = JSON.stringify(job)
  if (job.kind === 'write' && job.peer === 'bytewax') {
    if (python === undefined)
      throw new PeerError('bytewax takes part only where it is installed: npm run bench:seed')
    // It prints a licence notice unless told not to.
    const env = { ...process.env, BYTEWAX_LICENSE: '1' }
    return spawn(python.executable, [python.script, argument], { ...options, stdio: [...options.stdio], env })
  }
  const entry = siblingModule(import.meta.url, './peer-process')
  // A flag of V8 makes each thread compile Node's own modules anew: 20 ms for one that starts, which no app pays.
  const forGarbage = job.kind === 'open' ? [] : ['--expose-gc']
  const args = [...process.execArgv, ...nodeFlags, ...forGarbage, entry.pathname, argument]
  return spawn(process.execPath, args, { ...options, stdio: [...options.stdio] })
}
