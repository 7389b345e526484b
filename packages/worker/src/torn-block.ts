import { closeSync, openSync, readSync } from 'node:fs'

// DuckDB's file, as of 1.5 (src/storage/single_file_block_manager.cpp, metadata/metadata_manager.cpp): a main header and two
// database headers of 4 KiB, of which the one with the greater iteration is in force, then blocks. Each begins with the
// checksum of what follows. A block of metadata is cut into 64 sub-blocks, chained by pointers (a sub-block's number in
// the upper byte, a block's in the others). The header in force points to a chain that lists the free blocks, the shared
// ones, and the blocks of metadata, each with a bit set for every sub-block that nothing uses.
//
// A checkpoint writes its metadata into such free sub-blocks, which the header in force does not know of, but it writes
// their block as a whole, in place. A process that is killed meanwhile leaves the first pages of the new block, its
// checksum among them, before the last ones of the old. All that the header in force uses is the same in both.

const HEADER_BYTES = 4096
const BLOCKS_START = 3 * HEADER_BYTES
const SUB_BLOCKS = 64
const CHECKSUM_BYTES = 8
const SMALLEST_BLOCK = 16 * 1024
const LARGEST_BLOCK = 256 * 1024
const NOTHING = 2n ** 64n - 1n
const FACTOR = 0xbf58476d1ce4e5b9n
/** What {@link FACTOR} is multiplied with to give 1, modulo 2 ** 64. */
const INVERSE_FACTOR = 0x96de1b173f119089n
const BITS = 64

/** A block of metadata that a checkpoint has written in part. */
export interface TornBlock {
  /** Where in the file it begins. */
  readonly location: number
  /** All of it, as it is. */
  readonly bytes: Uint8Array
  /** What its first 8 bytes would have to be. */
  readonly checksum: bigint
  /** How many checkpoints the file has seen. */
  readonly iteration: bigint
}

/** The state of a file since its last checkpoint that was completed. */
export interface LastCheckpoint {
  /** The pointer to its metadata. */
  readonly root: bigint
  readonly iteration: bigint
  readonly freeList: bigint
  readonly blockCount: number
  readonly blockBytes: number
}

/** What is read to tell a torn block cannot be what it says it is. */
class Damaged extends Error {}

/**
 * Finds the block of metadata that a checkpoint has left torn; to be called only where one was cut off.
 *
 * Gives none where anything else is the matter: where more than one block is wrong, where no checkpoint would have
 * written the one that is, or where a single byte explains it, which is damage.
 */
export function findTornBlock(
  file: string,
  isCutOff: (last: LastCheckpoint) => boolean,
): TornBlock | undefined {
  const descriptor = openSync(file, 'r')
  try {
    const last = readHeaders(descriptor)
    return isCutOff(last) ? findIn(new Blocks(descriptor, last), last) : undefined
  } catch (error) {
    if (error instanceof Damaged) return undefined
    throw error
  } finally {
    closeSync(descriptor)
  }
}

function findIn(blocks: Blocks, last: LastCheckpoint): TornBlock | undefined {
  let torn: TornBlock | undefined
  for (const [id, unused] of readMetadataList(blocks, last)) {
    const words = blocks.read(id)
    const checksum = checksumOf(words)
    if (checksum === words[0]) continue
    if (torn !== undefined || unused === 0n || isOneByte(words, checksum, unused) || !endsInZeros(words))
      return undefined
    const { iteration } = last
    torn = { location: blocks.locationOf(id), bytes: new Uint8Array(words.buffer), checksum, iteration }
  }
  return torn
}

function readHeaders(descriptor: number): LastCheckpoint {
  const main = readWords(descriptor, 0, HEADER_BYTES)
  const bytes = new DataView(main.buffer)
  // the first bit of the flags, which follow the version: encrypted
  if (bytes.getUint32(8, true) !== MAGIC || (bytes.getUint8(20) & 1) === 1) throw new Damaged()
  const [first, second] = [1, 2].map((place) =>
    readWords(descriptor, place * HEADER_BYTES, HEADER_BYTES),
  ) as [BigUint64Array, BigUint64Array]
  if ([main, first, second].some((header) => checksumOf(header) !== header[0])) throw new Damaged()
  const [, iteration, root, freeList, blockCount, blockBytes] = ((first[1] as bigint) > (second[1] as bigint)
    ? first
    : second) as unknown as readonly [bigint, bigint, bigint, bigint, bigint, bigint]
  const last = { root, iteration, freeList, blockCount: Number(blockCount), blockBytes: Number(blockBytes) }
  const isSize = last.blockBytes >= SMALLEST_BLOCK && last.blockBytes <= LARGEST_BLOCK
  if (!isSize || (last.blockBytes & (last.blockBytes - 1)) !== 0) throw new Damaged()
  return last
}

/** `DUCK`. */
const MAGIC = 0x4b435544

/** The blocks of metadata by their numbers, with the bits of the sub-blocks that nothing uses. */
function readMetadataList(
  blocks: Blocks,
  { root, freeList, blockCount }: LastCheckpoint,
): Map<number, bigint> {
  const list = new Map<number, bigint>()
  if (freeList === NOTHING) return list
  const chain = new MetadataChain(blocks, freeList)
  const free = new Set<number>()
  for (let left = chain.count(blockCount); left > 0; left--) free.add(chain.block())
  // the blocks that several columns share
  for (let left = chain.count(blockCount); left > 0; left--) chain.skip(12)
  for (let left = chain.count(blockCount); left > 0; left--) {
    const id = chain.block()
    if (list.has(id) || free.has(id)) throw new Damaged()
    list.set(id, chain.word())
  }
  for (const pointer of [root, ...chain.pointers]) {
    const unused = list.get(blockOf(pointer))
    if (unused === undefined || ((unused >> BigInt(subBlockOf(pointer))) & 1n) === 1n) throw new Damaged()
  }
  return list
}

const blockOf = (pointer: bigint): number => Number(pointer & 0x00ff_ffff_ffff_ffffn)
const subBlockOf = (pointer: bigint): number => Number(pointer >> 56n)

/** What is written over sub-blocks that are chained. */
class MetadataChain {
  readonly pointers: bigint[] = []
  readonly #blocks: Blocks
  #next: bigint
  #bytes: DataView = new DataView(new ArrayBuffer(0))
  #offset = 0

  constructor(blocks: Blocks, pointer: bigint) {
    this.#blocks = blocks
    this.#next = pointer
  }

  word(): bigint {
    const word = new DataView(new ArrayBuffer(8))
    for (let index = 0; index < 8; index++) word.setUint8(index, this.#byte())
    return word.getBigUint64(0, true)
  }

  /** A number of things of which there cannot be more than blocks. */
  count(most: number): number {
    const count = this.word()
    if (count > BigInt(most)) throw new Damaged()
    return Number(count)
  }

  block(): number {
    const id = this.word()
    if (id >= BigInt(this.#blocks.count)) throw new Damaged()
    return Number(id)
  }

  skip(bytes: number): void {
    for (let index = 0; index < bytes; index++) this.#byte()
  }

  #byte(): number {
    if (this.#offset === this.#bytes.byteLength) this.#advance()
    return this.#bytes.getUint8(this.#offset++)
  }

  #advance(): void {
    const pointer = this.#next
    if (pointer === NOTHING || this.pointers.includes(pointer)) throw new Damaged()
    this.pointers.push(pointer)
    this.#bytes = this.#blocks.subBlock(blockOf(pointer), subBlockOf(pointer))
    this.#next = this.#bytes.getBigUint64(0, true)
    this.#offset = 8
  }
}

/** The blocks of a file. */
class Blocks {
  readonly count: number
  readonly #descriptor: number
  readonly #blockBytes: number

  constructor(descriptor: number, { blockCount, blockBytes }: LastCheckpoint) {
    this.count = blockCount
    this.#descriptor = descriptor
    this.#blockBytes = blockBytes
  }

  locationOf(id: number): number {
    return BLOCKS_START + id * this.#blockBytes
  }

  read(id: number): BigUint64Array<ArrayBuffer> {
    if (id >= this.count) throw new Damaged()
    return readWords(this.#descriptor, this.locationOf(id), this.#blockBytes)
  }

  subBlock(id: number, index: number): DataView {
    if (index >= SUB_BLOCKS) throw new Damaged()
    const length = subBlockBytes(this.#blockBytes)
    return new DataView(this.read(id).buffer, CHECKSUM_BYTES + index * length, length)
  }
}

/** A 64th of what follows the checksum, rounded down to whole words. */
const subBlockBytes = (blockBytes: number): number =>
  Math.floor((blockBytes - CHECKSUM_BYTES) / SUB_BLOCKS / 8) * 8

/** As little-endian words, which every machine that DuckDB's bindings are built for has. */
function readWords(descriptor: number, location: number, length: number): BigUint64Array<ArrayBuffer> {
  const words = new BigUint64Array(length / 8)
  if (readSync(descriptor, words, 0, length, location) !== length) throw new Damaged()
  return words
}

/** Of all words but the first, which is where it is kept; see DuckDB's checksum.cpp. */
function checksumOf(words: BigUint64Array): bigint {
  let sum = 5381n
  for (let index = 1; index < words.length; index++) sum ^= (words[index] as bigint) * FACTOR
  return BigInt.asUintN(BITS, sum)
}

/**
 * True where the checksum would be right with one byte changed in what the database uses, or in the checksum: that is
 * damage, as a torn write has changed nothing there.
 */
function isOneByte(words: BigUint64Array, checksum: bigint, unused: bigint): boolean {
  const difference = checksum ^ (words[0] as bigint)
  if (isWithinByte(difference)) return true
  const subBlockWords = subBlockBytes(words.byteLength) / 8
  for (let index = 1; index < words.length; index++) {
    if (((unused >> BigInt(Math.floor((index - 1) / subBlockWords))) & 1n) === 1n) continue
    const word = words[index] as bigint
    const hash = BigInt.asUintN(BITS, word * FACTOR) ^ difference
    if (isWithinByte(BigInt.asUintN(BITS, hash * INVERSE_FACTOR) ^ word)) return true
  }
  return false
}

function isWithinByte(bits: bigint): boolean {
  let left = bits
  while ((left & 0xffn) === 0n && left > 0n) left >>= 8n
  return left <= 0xffn
}

/** What is left of a block behind its sub-blocks is always cleared. */
function endsInZeros(words: BigUint64Array): boolean {
  const end = CHECKSUM_BYTES + SUB_BLOCKS * subBlockBytes(words.byteLength)
  return words.subarray(end / 8).every((word) => word === 0n)
}
