import type { Fault, FaultRun } from '../fault.ts'
import type { AppJob, Mode, Point } from '../job.ts'

type Place = Omit<Point, 'occurrence' | 'deed'>

interface NamedPoint {
  readonly id: string
  readonly name: string
  /** Where a run is killed; one of them, by its index. */
  readonly places: readonly Place[]
  /** How often the place is passed before it counts, at most. */
  readonly maxOccurrence: number
  readonly job?: (run: FaultRun) => Partial<AppJob>
}

const evolving = (run: FaultRun): Partial<AppJob> => ({
  shape: run.shape({ evolvingOneIn: 2, maxRows: 2_000 }),
})

const POINTS: readonly NamedPoint[] = [
  {
    id: 'after-begin',
    name: 'after BEGIN',
    places: [{ statement: 'BEGIN', moment: 'after' }],
    maxOccurrence: 12,
  },
  {
    id: 'mid-insert',
    name: 'in the middle of an INSERT',
    places: [{ statement: 'chunk', moment: 'before' }],
    maxOccurrence: 60,
  },
  {
    id: 'before-ledger-row',
    name: 'before the ledger row',
    places: [{ statement: 'ledger', moment: 'before' }],
    maxOccurrence: 12,
  },
  {
    id: 'before-commit',
    name: 'before COMMIT',
    places: [{ statement: 'COMMIT', moment: 'before' }],
    maxOccurrence: 12,
  },
  {
    id: 'in-commit',
    name: 'during COMMIT',
    places: [{ statement: 'COMMIT', moment: 'during' }],
    maxOccurrence: 12,
  },
  {
    id: 'after-commit',
    name: 'after COMMIT',
    places: [{ statement: 'COMMIT', moment: 'after' }],
    maxOccurrence: 12,
  },
  {
    id: 'before-receipt',
    name: 'before the receipt',
    places: [{ statement: 'reply', moment: 'before' }],
    maxOccurrence: 20,
  },
  {
    id: 'in-alter',
    name: 'before, during and after ALTER',
    places: [
      { statement: 'ALTER', moment: 'during' },
      { statement: 'ALTER', moment: 'after' },
      { statement: 'ALTER', moment: 'during' },
      { statement: 'ALTER', moment: 'before' },
    ],
    maxOccurrence: 6,
    job: evolving,
  },
  {
    id: 'in-checkpoint',
    name: 'during a checkpoint, its own statement or that of a COMMIT',
    places: [
      { statement: 'CHECKPOINT', moment: 'during' },
      { statement: 'COMMIT', moment: 'during' },
    ],
    maxOccurrence: 6,
    job: (run) => ({ ...evolving(run), config: { checkpoint_threshold: '16KB' } }),
  },
  {
    id: 'in-close',
    name: 'during close',
    places: [
      { statement: 'CHECKPOINT', moment: 'during' },
      { statement: 'close', moment: 'before' },
      { statement: 'close', moment: 'after' },
    ],
    maxOccurrence: 1,
    job: () => ({ batches: Array.from({ length: 25 }, (_, number) => number) }),
  },
]

/** Kills processes at a place that is named, which the worker itself does when it gets there. */
export const POINT_FAULTS: readonly Fault[] = POINTS.map((point) => ({
  id: point.id,
  name: `\`kill -9\` ${point.name}`,
  runs: 10,
  run: (run) => killAt(run, point),
}))

async function killAt(run: FaultRun, { places, maxOccurrence, job: special }: NamedPoint): Promise<void> {
  const place = places[run.index % places.length] as Place
  const mode =
    place.statement === 'ledger' ? ledgerMode(run) : special === undefined ? run.orderedMode() : run.mode()
  // collectors commit more at a time
  const occurrence = run.random.int(1, mode === 'channels' ? Math.min(4, maxOccurrence) : maxOccurrence)
  const point: Point = { ...place, occurrence, deed: 'kill', delayUs: run.random.int(0, 3_000) }
  const job = run.job({ mode, breakages: [{ point }], ...special?.(run) })
  const app = run.start(job)
  const { signal, stderr } = await app.ended
  if (signal !== 'SIGKILL' || app.hasHung) run.find('unmet', `the point was not reached: ${stderr}`)
  await run.checkAftermath(job)
}

const ledgerMode = (run: FaultRun): Mode => (run.index % 3 === 2 ? 'channels' : 'keys')
