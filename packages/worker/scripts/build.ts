import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { BUNDLE_OPTIONS } from './bundle-options.ts'

/*
 * Builds dist/ in two halves that share no file:
 *   index.js in one file, with types: the safe face, which the main thread loads;
 *   entry.js: all that runs in the worker, in one file, apart from DuckDB's own packages.
 */

const dist = 'dist'
const sourceUrl = 'new URL("./entry.ts", import.meta.url)'
const safeFace = join(dist, 'index.js')
const publishedUrl = 'new URL("./entry.js", import.meta.url)'

rmSync(dist, { recursive: true, force: true })
emitTypes()
await bundleSafeFace()
checkNoNativeCode()
pointToPublishedEntry()
await bundleEntry()

function emitTypes(): void {
  execFileSync('tsc', ['-p', 'tsconfig.build.json', '--emitDeclarationOnly'], { stdio: 'inherit' })
}

/** It starts at src/index.ts, so dist/ then holds what the main thread can reach, and nothing else. */
async function bundleSafeFace(): Promise<void> {
  const bundle = await rolldown({ ...BUNDLE_OPTIONS, input: 'src/index.ts', external: /^[^./]/ })
  await bundle.write({ file: safeFace, format: 'esm', codeSplitting: false })
  await bundle.close()
}

function checkNoNativeCode(): void {
  for (const file of emittedFiles()) {
    if (/['"]@duckdb\//.test(readFileSync(file, 'utf8'))) {
      throw new Error(`${file} is reached from src/index.ts and imports @duckdb: the main thread must not`)
    }
  }
}

/** The sources spawn entry.ts, which Node runs as it is; what is published spawns entry.js. */
function pointToPublishedEntry(): void {
  const pieces = readFileSync(safeFace, 'utf8').split(sourceUrl)
  if (pieces.length !== 2) throw new Error(`Expected exactly one ${sourceUrl} in ${safeFace}`)
  writeFileSync(safeFace, pieces.join(publishedUrl))
}

async function bundleEntry(): Promise<void> {
  const bundle = await rolldown({
    ...BUNDLE_OPTIONS,
    input: 'src/entry.ts',
    external: [/^@duckdb\//],
  })
  const { output } = await bundle.write({ file: join(dist, 'entry.js'), format: 'esm', codeSplitting: false })
  await bundle.close()
  const foreign = output
    .flatMap((chunk) => ('imports' in chunk ? [...chunk.imports, ...chunk.dynamicImports] : []))
    .filter(
      (name) => !name.startsWith('@duckdb/') && !name.startsWith('node:') && !builtinModules.includes(name),
    )
  if (output.length !== 1 || foreign.length > 0) {
    throw new Error(`entry.js is not self-contained: ${output.length} files, imports ${foreign.join(', ')}`)
  }
}

function emittedFiles(): string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((file) => join(dist, file))
    .filter((file) => /\.(js|ts)$/.test(file))
}
