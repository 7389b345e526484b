import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CutFile, CutRequest, FileContent, UnreadableFile, VerifyRequest } from './file-content.ts'

/** Has another process read files, one after another. */
export class Verifier {
  #child: ChildProcess | undefined
  #turn: Promise<unknown> = Promise.resolve()

  read(request: Omit<VerifyRequest, 'kind'>): Promise<FileContent> {
    return this.#ask({ kind: 'read', ...request })
  }

  /** Begins a checkpoint, and cuts it off when its metadata is written. */
  cut(path: string): Promise<CutFile> {
    return this.#ask({ kind: 'cut', path })
  }

  close(): void {
    this.#child?.disconnect()
    this.#child = undefined
  }

  #ask(request: VerifyRequest): Promise<FileContent>
  #ask(request: CutRequest): Promise<CutFile>
  #ask(request: VerifyRequest | CutRequest): Promise<FileContent | CutFile> {
    const answer = this.#turn.then(() => this.#exchange(request))
    this.#turn = answer
    return answer
  }

  async #exchange(request: VerifyRequest | CutRequest): Promise<FileContent | CutFile> {
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
    const answered = once(child, 'message', { signal }).then(([content]) => content as FileContent | CutFile)
    const gone = once(child, 'exit', { signal }).then(([code, killedBy]): UnreadableFile => {
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
