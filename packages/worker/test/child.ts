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

/** Runs a module script, with top-level await, in a process of its own. */
export function spawnChild(script: string, cwd: string = import.meta.dirname): Child {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
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
