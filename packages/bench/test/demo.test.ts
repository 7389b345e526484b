import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = resolve(import.meta.dirname, '../src/demo/main.ts')

describe('the demo', () => {
  let directory: string

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ducksink-demo-test-'))
  })

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  function startDemo(args: readonly string[], temporary = directory): ChildProcessWithoutNullStreams {
    const env = { ...process.env, TMPDIR: temporary }
    return spawn(process.execPath, ['--conditions=ducksink-source', MAIN, ...args], { env })
  }

  async function endOf(demo: ChildProcessWithoutNullStreams) {
    const [stdout, stderr, [code]] = await Promise.all([
      text(demo.stdout),
      text(demo.stderr),
      once(demo, 'close'),
    ])
    return { stdout, stderr, code }
  }

  it('writes the flights, tells the figures, answers three questions and removes its file', async () => {
    const { stdout, stderr, code } = await endOf(startDemo(['--rows', '20000']))
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain('2001-01 20,000 flights\n')
    expect(stdout).toMatch(/^20,000 rows committed in \d+\.\d\d s$/m)
    expect(stdout).toMatch(/^rows a second +[\d,]+,/m)
    expect(stdout).toMatch(/^event loop +stalled [\d.]+ ms at the longest, p99 [\d.]+ ms,/m)
    expect(stdout).toMatch(/^peak memory \(RSS\) +\d+ MiB/m)
    expect(stdout.match(/\(\d+ ms\)\n\n.+\n[- ]+\n.+\n/g)).toHaveLength(3)
    expect(readdirSync(directory)).toEqual([])
  })

  it('removes its file when it is interrupted, and says so', async () => {
    const demo = startDemo([])
    // the first month's line comes amid the writing
    demo.stdout.on('data', (data) => String(data).includes('2001-01') && demo.kill('SIGINT'))
    const { stdout, stderr, code } = await endOf(demo)
    expect(stdout).not.toContain('rows committed')
    expect(stderr).toBe('interrupted; what was written is removed\n')
    expect(code).toBe(130)
    expect(readdirSync(directory)).toEqual([])
  })

  it('removes its file when nobody reads its output any more', async () => {
    const demo = startDemo([])
    demo.stdout.once('data', () => demo.stdout.destroy())
    const [stderr, [code]] = await Promise.all([text(demo.stderr), once(demo, 'close')])
    expect(stderr).toContain('interrupted')
    expect(code).toBe(130)
    expect(readdirSync(directory)).toEqual([])
  })

  it('fails with what went wrong', async () => {
    const { stderr, code } = await endOf(startDemo(['--rows', '100'], join(directory, 'no-such-directory')))
    expect(stderr).toContain('ENOENT')
    expect(code).toBe(1)
  })

  it('tells how it is called', async () => {
    const { stderr, code } = await endOf(startDemo(['--rows', 'many']))
    expect(stderr).toMatch(/^--rows many is no count\nnpm run demo -- \[options\]/)
    expect(code).toBe(2)
  })
})
