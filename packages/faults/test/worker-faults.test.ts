import { WORKER_FAULTS } from '../src/faults/worker-faults.ts'
import { testFaults } from './run-faults.ts'

testFaults(WORKER_FAULTS)
