import { notAnInteger, toInteger } from './exact-number.ts'
import { writeInt64, writeInt128 } from './integer-words.ts'
import { plainValue } from './plain-value.ts'
import { Refusal } from './refusal.ts'
import type { WordWriter } from './words-column.ts'

const OUT_OF_RANGE = new Refusal('it is out of range')

/** Compiles the writer of HUGEINT or UHUGEINT, from numbers, bigints, decimal text and what stands for one. */
export function hugeintWriter(signed: boolean): WordWriter {
  const id = signed ? 'HUGEINT' : 'UHUGEINT'
  const least = signed ? Number.MIN_SAFE_INTEGER : 0
  return (value, words, at) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) {
      writeInt64(value, words, at)
      words[at + 2] = words[at + 3] = value < 0 ? -1 : 0
      return undefined
    }
    const integer = toInteger(plainValue(id, value))
    if (integer === undefined) return new Refusal(notAnInteger(value))
    if ((signed ? BigInt.asIntN(128, integer) : BigInt.asUintN(128, integer)) !== integer) return OUT_OF_RANGE
    writeInt128(integer, words, at)
    return undefined
  }
}
