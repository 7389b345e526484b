import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'
import LongestFirst from './scripts/longest-first.ts'

/** Resolves the workspace's packages to their sources, so that nothing needs a build. */
const sourceCondition = 'ducksink-source'
const conditions = [sourceCondition, ...defaultServerConditions]

const isCovered = process.argv.includes('--coverage')
const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

// Each engine that a test opens starts a thread that loads the worker anew, and there are a thousand of them: its code
// is compiled once, and bundled, which makes it a half of what it would cost. Coverage would be less exact with that.
const preloads = isCovered ? [] : [`--require=${pathOf('./scripts/bundled-worker.cjs')}`]
if (!isCovered) {
  process.env.NODE_COMPILE_CACHE ??= pathOf('./node_modules/.cache/ducksink')
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    globalSetup: isCovered ? [] : ['./packages/worker/scripts/bundle-for-tests.ts'],
    setupFiles: ['./scripts/property-seed.ts'],
    pool: 'forks',
    // One more than cores, up to three: many tests wait for a process or a thread of theirs.
    maxWorkers: Math.min(2, availableParallelism()) + 1,
    sequence: { sequencer: LongestFirst },
    // Workers that a test starts inherit this, and so does what they import.
    execArgv: [`--conditions=${sourceCondition}`, ...preloads],
    // Nothing waits so long, on however busy a machine: it ends what hangs.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/closing-line.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/{core,worker}/src/**/*.ts'],
      // Without it the files that run in the worker read 0 %.
      autoAttachSubprocess: true,
    },
  },
})
