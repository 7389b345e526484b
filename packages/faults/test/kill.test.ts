import { KILL_FAULTS } from '../src/faults/kill.ts'
import { POINT_FAULTS } from '../src/faults/named-points.ts'
import { TORN_CHECKPOINT_FAULTS } from '../src/faults/torn-checkpoint.ts'
import { TORN_LOG_FAULTS } from '../src/faults/torn-log.ts'
import { testFaults } from './run-faults.ts'

testFaults(KILL_FAULTS)
testFaults(POINT_FAULTS)
testFaults(TORN_CHECKPOINT_FAULTS)
testFaults(TORN_LOG_FAULTS)
