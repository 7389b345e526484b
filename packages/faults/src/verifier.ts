import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { FileContent, VerifyRequest } from './file-content.ts'

/** Has another process read files, one after another. */
export class Verifier {
  #child: ChildProcess | undefined
  #turn: Promise<unknown> = Promise.resolve()

  read(request: VerifyRequest): Promise<FileContent> {
    const answer = this.#turn.then(() => this.#ask(request))
    this.#turn = answer
    return answer
  }

  close(): void {
    this.#child?.disconnect()
    this.#child = undefined
  }

  async #ask(request: VerifyRequest): Promise<FileContent> {
    this.#child ??= spawn(
      process.execPath,
      [
        ...process.execArgv,
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(new URL('./verify.ts', import.meta.url)),
      ],
      { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    )
    const child = this.#child
    const stopped = new AbortController()
    const { signal } = stopped
    const answered = once(child, 'message', { signal }).then(([content]) => content as FileContent)
    const gone = once(child, 'exit', { signal }).then(([code, killedBy]): FileContent => {
      this.#child = undefined
      return { status: 'unreadable', message: `the verifying process ended with ${killedBy ?? code}` }
    })
    child.send(request)
    try {
      return await Promise.race([answered, gone])
    } finally {
      for (const left of [answered, gone]) left.catch(() => undefined)
      stopped.abort()
    }
  }
}
