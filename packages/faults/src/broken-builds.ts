import { registerHooks } from 'node:module'
import { basename } from 'node:path'
import type { Finding } from './judge.ts'

/** A build that breaks a promise on purpose, and the fault by which the suite must notice. */
export interface BrokenBuild {
  readonly name: string
  /** The id of the fault. */
  readonly fault: string
  /** What is found where it is noticed; one of them is enough. */
  readonly shows: readonly Finding['kind'][]
  readonly changes: readonly SourceChange[]
}

/** A change to one source of the worker. */
interface SourceChange {
  readonly file: string
  readonly search: string
  readonly replace: string
}

/** The negative controls. */
export const BROKEN_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'a receipt before COMMIT',
    fault: 'before-commit',
    shows: ['lost'],
    changes: ['transaction.ts', 'write-group.ts'].map((file) => ({
      ...{ file, search: "await unlessDurable(connection.run('COMMIT'))" },
      replace: "void unlessDurable(connection.run('COMMIT')).catch(() => undefined)",
    })),
  },
  {
    name: 'the ledger in a second transaction',
    fault: 'before-ledger-row',
    shows: ['torn', 'doubled'],
    changes: [
      {
        file: 'ledger.ts',
        search: 'const keys = keyColumns(writes, committedAt)',
        replace:
          "await writer.connection.run('COMMIT'); await writer.connection.run('BEGIN'); const keys = keyColumns(writes, committedAt)",
      },
    ],
  },
  {
    name: 'rows written after a rollback',
    fault: 'aborts',
    shows: ['ghost', 'torn'],
    changes: [
      { file: 'connection.ts', search: "await this.run('ROLLBACK')", replace: "await this.run('COMMIT')" },
    ],
  },
  {
    name: 'an interrupt during COMMIT taken for a rollback',
    fault: 'aborts',
    shows: ['ghost'],
    changes: [
      {
        file: 'transaction.ts',
        search: 'const committing = this.#endCommit(end, sequence)',
        replace: `this.commits ??= new Map()
    this.commits.set(end.writeId, this.#writers.current.connection)
    const committing = this.#endCommit(end, sequence)`,
      },
      {
        file: 'transaction.ts',
        search: 'cancel(writeId: number): void {',
        replace: `cancel(writeId: number): void {
    const connection = this.commits?.get(writeId)
    if (connection !== undefined) {
      this.commits.set(writeId, 'interrupted')
      connection.interrupt()
    }`,
      },
      {
        file: 'transaction.ts',
        search: 'const failed = await committing',
        replace: `const failed = await committing
    const wasInterrupted = this.commits.get(end.writeId) === 'interrupted'
    this.commits.delete(end.writeId)
    if (wasInterrupted) return requests.map((request) => cancelled(request))`,
      },
    ],
  },
]

/** Changes the worker's sources as they are loaded; gives what requires that all changes were made. */
export function breakBuild(name: string, entry: string): () => void {
  const build = BROKEN_BUILDS.find((candidate) => candidate.name === name)
  if (build === undefined) throw new Error(`no broken build is called '${name}'`)
  const sources = new URL('.', entry).href
  const made = new Set<SourceChange>()
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.startsWith(sources)) return loaded
      let source = String(loaded.source)
      for (const change of build.changes) {
        if (change.file !== basename(url)) continue
        if (!source.includes(change.search)) throw new Error(`${change.file} has no more: ${change.search}`)
        source = source.replaceAll(change.search, () => change.replace)
        made.add(change)
      }
      return { ...loaded, source }
    },
  })
  return () => {
    if (made.size !== build.changes.length)
      throw new Error(`'${name}': ${made.size} of ${build.changes.length} changes made`)
  }
}
