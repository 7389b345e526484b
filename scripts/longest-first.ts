import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that are short and take long: they start processes, or wait for what must not happen. */
const LONG =
  /\/(faults|exit-guard|hang|open-errors|forgotten-close|batch-sizes|docs|crash|real-files|harness)\b/

/**
 * Begins with the files that take the longest, so that none of them runs on alone in the end. Vitest does so by what a
 * run before has taken, and where there was none, as in CI, by the size of the files.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId.replace('.test.ts', ''))
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}
