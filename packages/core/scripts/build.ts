import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { FIELD_READ } from '../src/encoder/field-loop.ts'

/*
 * Builds dist/: the types file by file, the code in two or three. An app that opens an engine waits for its modules: 150
 * of them took 80 ms to load.
 */

rmSync('dist', { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json', '--emitDeclarationOnly'], { stdio: 'inherit' })
const bundle = await rolldown({
  input: 'src/index.ts',
  platform: 'node',
  // whatever is no file of this package
  external: /^[^./]/,
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message)
  },
})
// index.js is what an app waits for; the rest loads while the worker starts
const { output } = await bundle.write({ dir: 'dist', format: 'esm', chunkFileNames: '[name].js' })
await bundle.close()
checkLoops(output.map((file) => ('code' in file ? file.code : '')).join())

/** A loop is copied by its text, in which this is what stands for the field: see encoder/field-loop.ts. */
function checkLoops(code: string): void {
  const count = (text: string): number => text.split(FIELD_READ).length
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const source = sources.map((file) => readFileSync(join('src', file), 'utf8')).join()
  const withoutComments = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  const built = code.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
  if (count(built) !== count(withoutComments))
    throw new Error(
      'the bundle spells the reading of a field in another way: loops would not be copied for their fields',
    )
}
