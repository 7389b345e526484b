import type { Fault } from './fault.ts'
import { ABORT_FAULTS } from './faults/aborts.ts'
import { FULL_DISK_FAULTS } from './faults/full-disk.ts'
import { KILL_FAULTS } from './faults/kill.ts'
import { POINT_FAULTS } from './faults/named-points.ts'
import { overload } from './faults/overload.ts'
import { TORN_CHECKPOINT_FAULTS } from './faults/torn-checkpoint.ts'
import { TORN_LOG_FAULTS } from './faults/torn-log.ts'
import { TWO_WRITERS_FAULTS } from './faults/two-writers.ts'
import { WORKER_FAULTS } from './faults/worker-faults.ts'

/** All faults, in the order of the page of results. */
export const FAULTS: readonly Fault[] = [
  ...KILL_FAULTS,
  ...POINT_FAULTS,
  ...TORN_LOG_FAULTS,
  ...TORN_CHECKPOINT_FAULTS,
  ...FULL_DISK_FAULTS,
  ...WORKER_FAULTS,
  overload(60_000),
  ...TWO_WRITERS_FAULTS,
  ...ABORT_FAULTS,
]
