import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import type { TestProject } from 'vitest/node'
import { BUNDLE_OPTIONS } from './bundle-options.ts'

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const directory = pathOf('../node_modules/.cache/ducksink')

/**
 * Bundles the worker before the tests, which start it some thousand times; see `scripts/bundled-worker.cjs`.
 *
 * @public by vitest
 */
export async function setup(project: TestProject): Promise<void> {
  await bundleWorker()
  project.onTestsRerun(bundleWorker)
}

async function bundleWorker(): Promise<void> {
  const bundle = await rolldown({
    ...BUNDLE_OPTIONS,
    // tests make a connection fail
    input: ['entry', 'connection'].map((name) => pathOf(`../src/${name}.ts`)),
    // node-api is bundled, too: it is a hundred small files that each thread would find and load
    external: ['@duckdb/node-bindings'],
  })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  mkdirSync(directory, { recursive: true })
  for (const chunk of output) if ('code' in chunk) write(join(directory, chunk.fileName), chunk.code)
}

/** Whoever starts a worker meanwhile finds a whole file. */
function write(file: string, code: string): void {
  const unfinished = `${file}.${process.pid}`
  writeFileSync(unfinished, code)
  renameSync(unfinished, file)
}
