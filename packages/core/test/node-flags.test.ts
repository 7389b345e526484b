import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const SCRIPT = `
  import { SinkEngine } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
  const engine = await SinkEngine.open({ path: ':memory:' })
  const records = [{ id: 1, of: { a: [1] } }, { id: 2, of: { a: [2] } }]
  const { rowCount } = await engine.write('inferred', records)
  await engine.table('inferred').writeFrom(records)
  const [{ n }] = await engine.query('SELECT count(*) AS n, any_value(of) FROM inferred')
  await engine.close()
  console.log(rowCount, n)`

/** What an app prints that is no file, of a Node with these flags. */
async function printed(...flags: string[]): Promise<string> {
  const all = [...process.execArgv, '--disable-warning=ExperimentalWarning', ...flags]
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...all,
    '--input-type=module',
    '-e',
    SCRIPT,
  ])
  return stdout
}

it('an app that is no file is served as any', async () => {
  expect(await printed()).toBe('2 4n\n')
})

it('objects are plain where Node does not let them be asked for __proto__', async () => {
  expect(await printed('--disable-proto=throw')).toBe('2 4n\n')
  expect(await printed('--disable-proto=delete')).toBe('2 4n\n')
})
