import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** A child process that runs a script; `lines` gives what it prints. */
export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, null>
  /** Resolves with the next line printed, or `undefined` when there will be none. */
  nextLine(): Promise<string | undefined>
  /** Resolves when it is gone. */
  readonly exited: Promise<unknown>
  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<void>
}

/** The URL of a source file, for `import()` in a child's script. */
export const sourceUrl = (name: string): string => new URL(`../src/${name}`, import.meta.url).href

// what coverage would write is too large for such a process as well
const WITHOUT_COVERAGE = 'unset NODE_V8_COVERAGE'

/** How a child process runs. */
export interface ChildOptions {
  readonly cwd?: string
  /** No file can be written beyond this: it is to the process as if the disk were full. */
  readonly maxFileBytes?: number
}

/** Runs a module script, with top-level await, in a process of its own. */
export function spawnChild(
  script: string,
  { cwd = import.meta.dirname, maxFileBytes }: ChildOptions = {},
): Child {
  const node = [process.execPath, '--input-type=module', '-e', script]
  const [command = '', ...parameters] =
    maxFileBytes === undefined
      ? node
      : [
          'sh',
          '-c',
          `ulimit -f ${Math.ceil(maxFileBytes / 512)}; ${WITHOUT_COVERAGE}; exec "$0" "$@"`,
          ...node,
        ]
  const child = spawn(command, parameters, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return {
    process: child,
    exited,
    async nextLine() {
      const next = await lines.next()
      return next.done === true ? undefined : next.value
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
