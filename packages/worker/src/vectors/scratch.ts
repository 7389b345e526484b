/** What is kept between fills; the vectors below a list may need more, which then goes again. */
const KEPT_BYTES = 2 ** 18

const kept = new ArrayBuffer(KEPT_BYTES)

/** Room to put a vector's values together in, until the next call; what stands in it is anything. */
export function scratch(byteCount: number): ArrayBuffer {
  return byteCount <= kept.byteLength ? kept : new ArrayBuffer(byteCount)
}
