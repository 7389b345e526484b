import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

/** The examples of a page, and what each says that it prints. */
function examples(page: string): { code: string; printed: string }[] {
  const text = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8')
  return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => ({
    code,
    printed: [...code.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, said]) => `${said}\n`).join(''),
  }))
}

it.each(examples('schema.md'))(
  'an example of schema.md runs and prints what it says: $printed',
  async (example) => {
    const directory = mkdtempSync(join(tmpdir(), 'ducksink-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const file = join(directory, 'example.mts')
    const source = new URL('../src/index.ts', import.meta.url).href
    writeFileSync(file, example.code.replace(`'@ducksink/core'`, `'${source}'`))
    const flags = [...process.execArgv, '--disable-warning=ExperimentalWarning']
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, file])
    // a long value stands on several lines where it is printed
    expect(stdout.replace(/\n\s+/g, ' ').replace(/\n\]/g, ' ]')).toBe(example.printed)
  },
)
