import { describe, expect, it } from 'vitest'
import { openEngine } from './open-engine.ts'

/** A view that says of itself what is not so. */
function claiming<T extends ArrayBufferView>(view: T, claims: Readonly<Record<string, number>>): T {
  for (const [name, value] of Object.entries(claims)) Object.defineProperty(view, name, { value })
  return view
}

class Boastful extends Uint8Array {
  override get byteLength(): number {
    return 1_000
  }
}

const bytes = (): Uint8Array<ArrayBuffer> => Uint8Array.of(0, 1, 2, 3, 4).subarray(1, 4)

describe('bytes go as the memory that a view covers, whatever it says of itself', () => {
  it.each([
    ['a longer array', claiming(bytes(), { byteLength: 400, length: 400 })],
    ['a shorter one', claiming(bytes(), { byteLength: 1 })],
    ['an empty one', claiming(bytes(), { byteLength: 0 })],
    ['one of a class that does', new Boastful(bytes())],
    ['one of other numbers', claiming(new Uint16Array([0x0201, 3]).subarray(0, 1), { byteLength: 4 })],
    ['a DataView', claiming(new DataView(bytes().buffer, 1, 3), { byteOffset: 0, byteLength: 5 })],
  ])('%s', async (_, value) => {
    const engine = await openEngine({ deliveryMode: 'exactly-once' })
    await engine.query('CREATE TABLE t (value BLOB)')
    await engine.write('t', [{ value }], { key: 'a' })
    const [row] = await engine.query<{ hex: string }>('SELECT hex(value) AS hex FROM t')
    expect(row?.hex).toBe(value instanceof Uint16Array ? '0102' : '010203')
    const again =
      value instanceof Uint16Array
        ? Uint16Array.of(0x0201)
        : value instanceof DataView
          ? new DataView(bytes().buffer, 1, 3)
          : bytes()
    expect((await engine.write('t', [{ value: again }], { key: 'a' })).duplicate).toBe(true)
  })
})
