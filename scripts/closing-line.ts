import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * Prints `N passed, N failed` (and `, N skipped` if any were) alone on the last line of the run, for CI to read.
 * A file that does not load, a hook that fails and an unhandled error each count as one failure, and a run that
 * was interrupted or found no tests is not a pass.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    let passed = 0
    let failed = unhandledErrors.length
    let skipped = 0
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'skipped') skipped++
        else failedHere++
      }
      // The module's own errors and those of its suites' hooks are on no test.
      failedHere += module.errors().length
      for (const suite of module.children.allSuites()) failedHere += suite.errors().length
      if (failedHere === 0 && !module.ok()) failedHere = 1
      failed += failedHere
    }
    if (failed === 0 && (reason !== 'passed' || passed + skipped === 0)) failed = 1
    const line = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`
    // Other reporters and the coverage table still print; this comes after them.
    process.once('exit', () => {
      process.stdout.write(line)
      if (failed > 0) process.exitCode ||= 1
    })
  }
}
