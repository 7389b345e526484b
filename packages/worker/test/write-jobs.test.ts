import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClosedError } from '../src/protocol/errors.ts'
import type { InsertReply, InsertRequest } from '../src/protocol/insert-messages.ts'
import type { GroupCommit } from '../src/protocol/messages.ts'
import type { HeldWrite } from '../src/transaction.ts'
import { type InsertJob, refuse, type WriteJob, WriteJobs } from '../src/write-jobs.ts'

function part(writeId: number, first: boolean, last: boolean): InsertJob {
  const request: InsertRequest = {
    writeId,
    layoutId: 1,
    columns: [0],
    buffer: new ArrayBuffer(0),
    run: 0,
    first,
    last,
    key: undefined,
  }
  return { kind: 'insert', request, reply: () => undefined }
}

const whole = (writeId: number): InsertJob => part(writeId, true, true)
const task = (servesWrites = false): WriteJob => ({
  kind: 'task',
  servesWrites,
  queryId: undefined,
  run: () => Promise.resolve(),
  refuse: () => undefined,
})
const open = (writeId: number): HeldWrite => ({ writeId, isAwaited: false })
const abandon = (writeId: number): WriteJob => ({ kind: 'abandon', writeId, done: () => undefined })

function jobsOf(
  jobs: readonly WriteJob[],
  groupCommit: GroupCommit | false = { maxBatches: 3, maxDelayMs: 0 },
): WriteJobs {
  const queue = new WriteJobs(groupCommit)
  for (const job of jobs) queue.push(job)
  return queue
}

test('nothing waits in the beginning', () => {
  expect(jobsOf([]).take(undefined)).toBeUndefined()
  expect(jobsOf([]).take(open(1))).toBeUndefined()
  expect(jobsOf([]).wantsMore).toBe(false)
})

test('whole writes that wait share a group, up to its limit', () => {
  const jobs = [1, 2, 3, 4].map(whole)
  const queue = jobsOf(jobs)
  expect(queue.take(undefined)).toEqual(jobs.slice(0, 3))
  expect(queue.take(undefined)).toEqual(jobs.slice(3))
})

test('without group commit each write goes alone', () => {
  const jobs = [1, 2].map(whole)
  const queue = jobsOf(jobs, false)
  expect(queue.take(undefined)).toEqual([jobs[0]])
  expect(queue.take(undefined)).toEqual([jobs[1]])
})

test('a group ends before whatever is no whole write, so that nothing overtakes', () => {
  const between = task()
  const jobs = [whole(1), between, whole(2), part(3, true, false), whole(4)]
  const queue = jobsOf(jobs)
  expect(queue.take(undefined)).toEqual([jobs[0]])
  expect(queue.take(undefined)).toBe(between)
  expect(queue.take(undefined)).toEqual([jobs[2]])
  expect(queue.take(undefined)).toBe(jobs[3])
})

test('while a write of several parts is open only what is its own is taken, in its order', () => {
  const jobs = [
    whole(1),
    task(),
    part(7, false, false),
    whole(2),
    part(7, false, true),
    abandon(7),
    abandon(8),
  ]
  const queue = jobsOf(jobs)
  expect(queue.take(open(7))).toBe(jobs[2])
  expect(queue.take(open(7))).toBe(jobs[4])
  expect(queue.take(open(7))).toBe(jobs[5])
  expect(queue.take(open(7))).toBeUndefined()
  expect(queue.take(undefined)).toEqual([jobs[0]])
  expect(queue.take(undefined)).toBe(jobs[1])
  expect(queue.take(undefined)).toEqual([jobs[3]])
})

test('the parts of a write that wait already follow the one taken, four at most, up to its last', () => {
  const parts = [0, 1, 2, 3, 4, 5].map((index) => part(7, index === 0, index === 5))
  const after = whole(9)
  const queue = jobsOf([...parts, after])
  const first = queue.take(undefined) as InsertJob
  expect([first, ...queue.takeFollowing(first)]).toEqual(parts.slice(0, 4))
  const fifth = queue.take(open(7)) as InsertJob
  expect([fifth, ...queue.takeFollowing(fifth)]).toEqual(parts.slice(4))
  expect(queue.take(undefined)).toEqual([after])
})

test('what belongs to other writes, or ends this one, does not follow', () => {
  const jobs = [part(7, true, false), whole(1), part(7, false, false), abandon(7)]
  const queue = jobsOf(jobs)
  const first = queue.take(undefined) as InsertJob
  expect(queue.takeFollowing(first)).toEqual([jobs[2]])
  expect(queue.take(open(7))).toBe(jobs[3])
  expect(queue.take(undefined)).toEqual([jobs[1]])
})

test('while a write is to be begun again, what serves it is taken as well', () => {
  const jobs = [whole(1), task(), task(true), part(7, true, true)]
  const queue = jobsOf(jobs)
  const held = { writeId: 7, isAwaited: true }
  expect([queue.take(held), queue.take(held), queue.take(held)]).toEqual([jobs[2], jobs[3], undefined])
  expect([queue.take(undefined), queue.take(undefined)]).toEqual([[jobs[0]], jobs[1]])
})

test('parts of another run do not follow', () => {
  const again = part(7, true, false)
  const jobs = [part(7, false, false), { ...again, request: { ...again.request, run: 1 } }]
  const queue = jobsOf(jobs)
  const stale = queue.take(open(7)) as InsertJob
  expect([stale, ...queue.takeFollowing(stale)]).toEqual([jobs[0]])
  expect(queue.take(open(7))).toBe(jobs[1])
})

test('writes that were put back come first', () => {
  const jobs = [1, 2, 3].map(whole)
  const queue = jobsOf(jobs.slice(2))
  queue.putBack(jobs.slice(0, 2))
  expect(queue.take(undefined)).toEqual(jobs)
})

describe('more is worth waiting for', () => {
  test.each([
    ['one whole write', [whole(1)], true],
    ['fewer writes than a group takes', [whole(1), whole(2)], true],
    ['a full group', [whole(1), whole(2), whole(3)], false],
    ['more than a full group', [whole(1), whole(2), whole(3), whole(4)], false],
    ['a write with a task behind it', [whole(1), task()], false],
    ['a task', [task()], false],
    ['a part', [part(1, true, false)], false],
  ])('with %s: %s', (_, jobs, wantsMore) => {
    expect(jobsOf(jobs).wantsMore).toBe(wantsMore)
  })

  test('never where groups are off', () => {
    expect(jobsOf([whole(1)], false).wantsMore).toBe(false)
  })
})

test('what is left can be taken all at once, and refused each in its own way', () => {
  const answers: unknown[] = []
  const insert = { ...whole(1), reply: (reply: InsertReply) => answers.push(reply) }
  const jobs: WriteJob[] = [
    insert as InsertJob,
    { kind: 'abandon', writeId: 2, done: () => answers.push('done') },
    {
      ...{ kind: 'task', servesWrites: false, queryId: undefined, run: () => Promise.resolve() },
      refuse: ({ code }) => answers.push(code),
    },
  ]
  const queue = jobsOf(jobs)
  for (const job of queue.takeAll()) refuse(job, new ClosedError('closed'))
  expect(answers).toMatchObject([
    { status: 'rolled-back', buffer: insert.request.buffer, error: { code: 'CLOSED' } },
    'done',
    'CLOSED',
  ])
  expect(queue.takeAll()).toEqual([])
})

test('every job is taken once, in the order it came', () => {
  const kinds = fc.array(fc.constantFrom('whole', 'task', 'abandon'), { maxLength: 20 })
  fc.assert(
    fc.property(kinds, fc.integer({ min: 1, max: 5 }), (list, maxBatches) => {
      const jobs = list.map((kind, id) =>
        kind === 'whole' ? whole(id) : kind === 'task' ? task() : abandon(id),
      )
      const queue = jobsOf(jobs, { maxBatches, maxDelayMs: 0 })
      const taken: WriteJob[] = []
      for (let next = queue.take(undefined); next !== undefined; next = queue.take(undefined)) {
        const group = 'length' in next ? next : [next]
        expect(group.length).toBeLessThanOrEqual(maxBatches)
        taken.push(...group)
      }
      expect(taken).toEqual(jobs)
    }),
  )
})

test('a write that is refused, whatever has come of its runs, leaves no part without an answer', () => {
  const runs = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(runs, fc.nat(8), (partCounts, refuseAfter) => {
      const answered: WriteJob[] = []
      const parts = partCounts.flatMap((count) =>
        Array.from({ length: count }, (_, index): InsertJob => {
          const job = part(1, index === 0, index === count - 1)
          return { ...job, reply: () => answered.push(job) }
        }),
      )
      const queue = jobsOf([])
      for (const [index, job] of parts.entries()) {
        queue.push(job)
        if (index !== Math.min(refuseAfter, parts.length - 1)) continue
        queue.refuseWrite(1, new ClosedError('closed'))
        expect(answered.length).toBe(index + 1)
      }
      expect(answered.length + queue.takeAll().length).toBe(parts.length)
    }),
  )
})
