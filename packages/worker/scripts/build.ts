import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { type OutputChunk, rolldown } from 'rolldown'
import { BUNDLE_OPTIONS } from './bundle-options.ts'

/*
 * Builds dist/ in two halves that share no file:
 *   index.js in one file, with types: the safe face, which the main thread loads;
 *   entry.js: what opens a target and writes, and beside it what queries need; all but DuckDB's packages are in them.
 */

const dist = 'dist'
const sourceUrl = 'new URL("./entry.ts", import.meta.url)'
const publishedUrl = 'new URL("./entry.js", import.meta.url)'
const safeFace = join(dist, 'index.js')
/** A hundred small files, which a thread finds and loads one by one: not before the first query. */
const NODE_API = '@duckdb/node-api'
const EXTERNAL = ['@duckdb/node-bindings', NODE_API]

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
    external: EXTERNAL,
  })
  const { output } = await bundle.write({
    dir: dist,
    format: 'esm',
    chunkFileNames: '[name].js',
    codeSplitting: {
      groups: [
        // what the others would import entry.js for, which must run once, under whatever URL it was started
        { name: 'protocol', test: /\/src\/protocol\// },
      ],
    },
  })
  await bundle.close()
  const chunks = output.filter((file) => file.type === 'chunk')
  const own = new Set(chunks.map((chunk) => chunk.fileName).filter((name) => name !== 'entry.js'))
  const isKnown = (name: string): boolean =>
    own.has(name) || EXTERNAL.includes(name) || name.startsWith('node:') || builtinModules.includes(name)
  const foreign = chunks
    .flatMap((chunk) => [...chunk.imports, ...chunk.dynamicImports])
    .filter((name) => !isKnown(name))
  if (foreign.length > 0) throw new Error(`the worker imports ${foreign.join(', ')}`)
  checkOpenedWithout(NODE_API, chunks)
  writeLicences(chunks)
}

/** What loads with entry.js delays every open. */
function checkOpenedWithout(module: string, chunks: readonly OutputChunk[]): void {
  const reached = new Set(['entry.js'])
  for (const name of reached) {
    const { imports = [] } = chunks.find((chunk) => chunk.fileName === name) ?? {}
    if (imports.includes(module)) throw new Error(`${name}, which entry.js loads, imports ${module}`)
    for (const imported of imports) reached.add(imported)
  }
}

/** The licences of what is bundled ask to go with it. */
function writeLicences(chunks: readonly OutputChunk[]): void {
  const packages = chunks.flatMap(({ moduleIds }) =>
    moduleIds.flatMap((id) => /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)(?=\/)/.exec(id)?.[0] ?? []),
  )
  const texts = [...new Set(packages)].sort().map((directory) => {
    const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest
    return `${name} ${version}\n\n${readFileSync(join(directory, 'LICENSE'), 'utf8').trim()}\n`
  })
  writeFileSync(join(dist, 'bundled-licences.txt'), texts.join('\n\n'))
}

interface Manifest {
  readonly name: string
  readonly version: string
}

function emittedFiles(): string[] {
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .map((file) => join(dist, file))
    .filter((file) => /\.(js|ts)$/.test(file))
}
