import type { ChannelOffset, DeliveryMode } from '@ducksink/worker'
import { ledgerKeyProblem } from '@ducksink/worker'
import { OptionsCheck } from './options-check.ts'

/** What names a write, and what ends it early. */
export interface WriteOptions {
  /**
   * Names the batch, in receipts, errors, dead letters and the log. Where delivery is `exactly-once` it names it once
   * and for all: what comes again under it is not written again.
   */
  readonly key?: string
  /** The ordered source that the batch is from; it goes with `offset`. */
  readonly channel?: string
  /**
   * The batch's place in its channel, within the range of BIGINT. Where delivery is `exactly-once`, each batch of a
   * channel has a greater one than those before it, and one at or below the committed offset is not written again.
   */
  readonly offset?: bigint
  /** Ends the write where it is not committing yet; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What {@link SinkTable.writeColumns} is told beside its columns. */
export interface WriteColumnsOptions extends WriteOptions {
  /**
   * Hands the buffers of typed arrays over: nothing of them is copied on the main thread, and they are detached as soon
   * as the batch has its turn, whatever becomes of it.
   * @defaultValue false
   */
  readonly transfer?: boolean
}

const MAX_OFFSET = 2n ** 63n - 1n
const MIN_OFFSET = -(2n ** 63n)

/**
 * Checks what a write is named and ended by.
 * @throws {@link InvalidOptionsError} with every problem at once.
 */
export function checkWriteOptions(options: object, deliveryMode: DeliveryMode): void {
  checkOptions(new OptionsCheck(), options, deliveryMode, WRITE_OPTIONS)
}

/**
 * Checks the same of a write of columns.
 * @throws {@link InvalidOptionsError} with every problem at once.
 */
export function checkWriteColumnsOptions(options: WriteColumnsOptions, deliveryMode: DeliveryMode): void {
  const check = new OptionsCheck()
  const transfer: unknown = options?.transfer
  if (transfer !== undefined && typeof transfer !== 'boolean') check.problem('transfer must be true or false')
  checkOptions(check, options, deliveryMode, [...WRITE_OPTIONS, 'transfer'])
}

const WRITE_OPTIONS = ['key', 'channel', 'offset', 'signal']

function checkOptions(
  check: OptionsCheck,
  options: object,
  deliveryMode: DeliveryMode,
  known: readonly string[],
): void {
  const { key, channel, offset, signal } = check.object('options', options, known)
  if (key !== undefined) checkName(check, 'key', key)
  if (channel !== undefined || offset !== undefined) checkPlace(check, { channel, offset })
  if (signal !== undefined && !(signal instanceof AbortSignal)) check.problem('signal must be an AbortSignal')
  if (deliveryMode === 'exactly-once') {
    if (key !== undefined && channel !== undefined)
      check.problem(`key and channel exclude each other where delivery is 'exactly-once'`)
    if (key === undefined && channel === undefined && offset === undefined)
      check.problem(`a write needs a key, or a channel and an offset, where delivery is 'exactly-once'`)
  }
  check.done('wrong write options')
}

/**
 * Checks a key that is asked for.
 * @throws {@link InvalidOptionsError} where it can be none.
 */
export function checkKey(key: unknown): void {
  const check = new OptionsCheck()
  checkName(check, 'key', key)
  check.done('wrong key')
}

/**
 * Checks a channel that is asked for.
 * @throws {@link InvalidOptionsError} where it can be none.
 */
export function checkChannel(channel: unknown): void {
  const check = new OptionsCheck()
  checkName(check, 'channel', channel)
  check.done('wrong channel')
}

/**
 * Checks where a record is from; `known` is a channel that was checked before.
 * @throws {@link InvalidOptionsError} where it is no channel and offset.
 */
export function checkChannelOffset(at: ChannelOffset, known: string | undefined): void {
  const isKnown = typeof at === 'object' && at !== null && known !== undefined && at.channel === known
  if (isKnown && isOffset(at.offset)) return
  const check = new OptionsCheck()
  const { channel, offset } = check.object('at', at, ['channel', 'offset'])
  checkPlace(check, { channel, offset })
  check.done('wrong place of a record')
}

function checkPlace(
  check: OptionsCheck,
  { channel, offset }: { readonly channel: unknown; readonly offset: unknown },
): void {
  if (channel === undefined) check.problem('offset must come with the channel that it is of')
  else checkName(check, 'channel', channel)
  if (offset === undefined) check.problem('channel must come with an offset')
  else if (!isOffset(offset)) check.problem('offset must be a bigint within the range of BIGINT')
}

const isOffset = (offset: unknown): boolean =>
  typeof offset === 'bigint' && offset >= MIN_OFFSET && offset <= MAX_OFFSET

function checkName(check: OptionsCheck, path: string, name: unknown): void {
  const problem = ledgerKeyProblem(name)
  if (problem !== undefined) check.problem(`${path} ${problem}`)
  else if ((name as string).trim() === '') check.problem(`${path} must not be blank`)
}
