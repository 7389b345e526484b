import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { WriteStream } from 'node:tty'
import { describe, expect, it } from 'vitest'
import { createProgress } from '../src/progress.ts'

/** What progress writes to a terminal, or to what is none. */
function shown(isTTY: boolean): Promise<string> {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 120, cursorTo() {}, clearLine() {} })
  const progress = createProgress(stream as unknown as WriteStream)
  progress.expect(2)
  progress.advance('file-100', 'sqlite')
  progress.expect(1)
  progress.advance('file-100', 'appender')
  progress.stop()
  stream.end()
  return text(stream)
}

describe('progress', () => {
  it('is a line a step where there is no terminal', async () => {
    const lines = (await shown(false)).split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))
    expect(lines).toEqual(['1/2 file-100 sqlite', '2/3 file-100 appender', ''])
  })

  it('is one bar on a terminal', async () => {
    expect(await shown(true)).toContain('2/3')
  })
})
