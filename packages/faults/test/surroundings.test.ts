import { ABORT_FAULTS } from '../src/faults/aborts.ts'
import { FULL_DISK_FAULTS } from '../src/faults/full-disk.ts'
import { overload } from '../src/faults/overload.ts'
import { TWO_WRITERS_FAULTS } from '../src/faults/two-writers.ts'
import { testFaults } from './run-faults.ts'

testFaults(FULL_DISK_FAULTS)
testFaults([overload(400, 400)])
testFaults(TWO_WRITERS_FAULTS)
testFaults(ABORT_FAULTS)
