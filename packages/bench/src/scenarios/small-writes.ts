import type { OpenScenario, WriteScenario } from './scenario.ts'
import { SINGLE } from './sizes.ts'

/** Callers that each await writes of one record, together and alone. */
export const SMALL_WRITES: readonly WriteScenario[] = [
  {
    ...SINGLE,
    name: 'callers',
    title: 'file, callers that each await writes of one record',
    family: 'small-writes',
    target: 'file',
    contenders: ['ducksink-64-callers', 'ducksink-1-caller'],
  },
  {
    ...SINGLE,
    name: 'single-record',
    title: 'file, one write of one record after another: from the call to the receipt',
    family: 'single-record',
    target: 'file',
    batchesPerIteration: 1_000,
    contenders: ['ducksink-1-caller', 'autocommit'],
  },
]

/** Each round is a process or two that live a moment: many of them cost little. */
export const COLD_OPEN: OpenScenario = {
  kind: 'open',
  name: 'open',
  title: 'a cold open of a new file, up to the receipt of one record',
  family: 'open',
  suites: ['bench', 'seed'],
  target: 'file',
  rounds: 15,
}
