import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { AppJob, Order } from './job.ts'

// Several apps as threads of one process, all at once; those that were refused come again when the others are done.

const jobs = JSON.parse(readFileSync(0, 'utf8')) as AppJob[]
const threads = new Set<Worker>()

process.on('message', (order: Order) => {
  for (const thread of threads) thread.postMessage(order)
})
process.channel?.unref()

async function run(job: AppJob): Promise<void> {
  const thread = new Worker(new URL('./app.ts', import.meta.url), { workerData: job })
  threads.add(thread)
  const [code] = await once(thread, 'exit')
  threads.delete(thread)
  if (code === REFUSED) refused.push(job)
}

/** What an app exits with that another has kept from its file. */
const REFUSED = 2
const refused: AppJob[] = []

await Promise.all(jobs.map(run))
for (const job of refused.splice(0)) await run(job)
