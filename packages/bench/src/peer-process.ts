import { writeSync } from 'node:fs'
import type { Job, PeerName, Result } from './job.ts'
import type { OpenPeer } from './peers/peer.ts'

// One peer, one job, one process. The job comes as JSON in the only argument; the result goes as JSON to file
// descriptor 3, so that nothing a peer prints can be taken for it.

/** Loads the peer's module and no other, so that no process carries another peer's native code. */
async function loadPeer(name: PeerName): Promise<OpenPeer> {
  switch (name) {
    case 'ducksink':
      return (await import('./peers/ducksink.ts')).openDucksink
    case 'ducksink-columns':
      return (await import('./peers/ducksink-columns.ts')).openDucksinkColumns
    case 'sqlite':
      return (await import('./peers/sqlite.ts')).openSqlite
    case 'appender':
      return (await import('./peers/appender.ts')).openAppender
    case 'cloned':
      return (await import('./peers/cloned.ts')).openCloned
    case 'autocommit':
      return (await import('./peers/autocommit.ts')).openAutocommit
    case 'insert-select':
      return (await import('./peers/insert-select.ts')).openInsertSelect
    case 'bytewax':
      throw new Error('bytewax runs in Python')
    default:
      return name satisfies never
  }
}

async function run(job: Job): Promise<Result> {
  switch (job.kind) {
    case 'write':
      return (await import('./measurements/writes.ts')).measureWrites(job, await loadPeer(job.peer))
    case 'open':
      return (await import('./measurements/open.ts')).measureOpen(job)
    case 'stream':
      return (await import('./measurements/stream.ts')).measureStream(job)
    default:
      return job satisfies never
  }
}

const result = await run(JSON.parse(process.argv[2] ?? '') as Job)
writeSync(3, JSON.stringify(result))
