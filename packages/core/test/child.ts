import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** How a child ended, and all that it printed. */
export interface Ended {
  /** What the process itself chose; `null` where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  readonly stderr: string
}

/** A process of its own that runs one of `fixtures/`. */
export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, Readable>
  /** The next line that it prints; rejects with its errors where there will be none. */
  nextLine(): Promise<string>
  /** Resolves when it is gone and all that it printed has been read. */
  readonly ended: Promise<Ended>
  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<Ended>
}

export interface ChildOptions {
  /** Who runs it, where that is not the user of the tests. */
  readonly uid?: number
  readonly env?: Readonly<Record<string, string>>
  /** A command that runs the command which follows it. */
  readonly through?: readonly string[]
}

/** The URL of a fixture, from which a thread can be started as well. */
export const fixtureUrl = (name: string): URL => new URL(`./fixtures/${name}.ts`, import.meta.url)

/** Runs a fixture in a process of its own, which is killed when the test is over. */
export function runFixture(
  name: string,
  parameters: readonly string[] = [],
  { uid, env, through = [] }: ChildOptions = {},
): Child {
  // Node 22 warns of running TypeScript
  const flags = [...process.execArgv, '--disable-warning=ExperimentalWarning']
  const command = [...through, process.execPath, ...flags, fileURLToPath(fixtureUrl(name)), ...parameters]
  const child = spawn(command[0] as string, command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(uid === undefined ? undefined : { uid, gid: uid }),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const lines: string[] = []
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line))
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, lines, stderr }))
  let read = 0
  return {
    process: child,
    ended,
    async nextLine() {
      if (read === lines.length) await Promise.race([once(reader, 'line'), ended])
      const line = lines[read++]
      if (line === undefined) throw new Error(`${name} printed no more lines: ${stderr}`)
      return line
    },
    kill() {
      child.kill('SIGKILL')
      return ended
    },
  }
}
