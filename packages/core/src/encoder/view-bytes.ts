import { isDataView } from 'node:util/types'

// Any object may be given a `byteLength` of its own, and a class may have another idea of it. What is copied is counted by
// the language's own account: memory that nothing was copied to has whatever was there before.

type Getter = (this: ArrayBufferView) => never

function getter(prototype: object, name: string): Getter {
  return Object.getOwnPropertyDescriptor(prototype, name)?.get as Getter
}

const gettersOf = (prototype: object): readonly [buffer: Getter, byteOffset: Getter, byteLength: Getter] => [
  getter(prototype, 'buffer'),
  getter(prototype, 'byteOffset'),
  getter(prototype, 'byteLength'),
]

const TYPED_ARRAY = gettersOf(Object.getPrototypeOf(Uint8Array.prototype) as object)
const DATA_VIEW = gettersOf(DataView.prototype)
const [, , byteLength] = TYPED_ARRAY

/** Bytes of an array, whatever it says itself. */
export function byteLengthOf(array: Uint8Array): number {
  return byteLength.call(array)
}

/** The bytes that a view covers. */
export function bytesOfView(view: ArrayBufferView): Uint8Array {
  const [buffer, byteOffset, length] = isDataView(view) ? DATA_VIEW : TYPED_ARRAY
  return new Uint8Array(buffer.call(view), byteOffset.call(view), length.call(view))
}
