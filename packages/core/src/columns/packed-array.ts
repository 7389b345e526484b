import { types } from 'node:util'
import { type ColumnPlace, columnError, type PackedArray, rowOf } from './column-array.ts'
import { plainArray } from './typed-array.ts'

/**
 * Packed values; offsets of 64 bits are narrowed.
 * @throws {@link ValueError} where 32 bits are too few for one.
 */
export function packedArray(
  place: ColumnPlace,
  { offsets, ...rest }: Omit<PackedArray, 'kind' | 'offsets'> & { readonly offsets: unknown },
): PackedArray {
  const narrowed = types.isBigInt64Array(offsets)
    ? narrow(place, offsets)
    : plainArray(offsets as PackedArray['offsets'])
  return { kind: 'packed', ...rest, offsets: narrowed }
}

function narrow(place: ColumnPlace, offsets: BigInt64Array): Uint32Array<ArrayBuffer> {
  const narrowed = new Uint32Array(offsets.length)
  const words = new Uint32Array(offsets.buffer, offsets.byteOffset, offsets.length * 2)
  for (let index = 0; index < offsets.length; index++) {
    if (words[index * 2 + 1] !== 0) {
      const because = 'its offset is outside of what one call takes of a column, which is 4 GiB'
      throw columnError(place, because, { row: rowOf(place, Math.max(0, index - 1)) })
    }
    narrowed[index] = words[index * 2] as number
  }
  return narrowed
}
