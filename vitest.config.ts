import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

/** Resolves the workspace's packages to their sources, so that nothing needs a build. */
const sourceCondition = 'ducksink-source'
const conditions = [sourceCondition, ...defaultServerConditions]

// Each engine that a test opens starts a thread that loads the sources anew: this halves what that costs. Coverage
// would be less exact with it.
if (!process.argv.includes('--coverage')) {
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('./node_modules/.cache/ducksink', import.meta.url))
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    setupFiles: ['./scripts/property-seed.ts'],
    pool: 'forks',
    maxWorkers: Math.min(2, availableParallelism()),
    // Workers that a test starts inherit this, and so does what they import.
    execArgv: [`--conditions=${sourceCondition}`],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './scripts/closing-line.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/{core,worker}/src/**/*.ts'],
      // Without it the files that run in the worker read 0 %.
      autoAttachSubprocess: true,
    },
  },
})
