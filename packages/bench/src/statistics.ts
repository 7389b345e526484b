/** The middle of a set of samples and how far they spread. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/**
 * The value below which `share` of the samples lie, interpolated between neighbours.
 *
 * @throws {@link RangeError} when there are no samples.
 */
export function percentile(samples: ArrayLike<number>, share: number): number {
  if (samples.length === 0) throw new RangeError('a percentile of no samples')
  const sorted = Float64Array.from(samples).sort()
  const at = (sorted.length - 1) * share
  const below = Math.floor(at)
  const low = sorted[below] ?? Number.NaN
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low
  return low + (high - low) * (at - below)
}

/** The median of the samples; of an even number of them, the mean of the two in the middle. */
export function median(samples: ArrayLike<number>): number {
  return percentile(samples, 0.5)
}

/** Median, smallest and largest of the samples. */
export function spread(samples: ArrayLike<number>): Spread {
  return { median: median(samples), min: percentile(samples, 0), max: percentile(samples, 1) }
}

/**
 * The ratios `of[i] / over[i]`, pair by pair.
 *
 * Two runs of one round share the machine's mood, two medians do not; so ratios are taken in pairs first.
 */
export function pairRatios(of: readonly number[], over: readonly number[]): number[] {
  if (of.length !== over.length)
    throw new RangeError(`${of.length} samples cannot be paired with ${over.length}`)
  return of.map((value, i) => value / (over[i] ?? Number.NaN))
}

/** A latency or a delay, and the share of all that were no longer. */
export interface Quantile {
  readonly q: number
  readonly ms: number
}

/** Where the distribution of a write's latencies is read. */
export const LATENCY_SHARES: readonly number[] = [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]

/** Where the distribution of an event loop's delays is read. */
export const DELAY_SHARES: readonly number[] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]

/** The quantiles of a set of samples in milliseconds, each share interpolated as in {@link percentile}. */
export function quantiles(samplesMs: ArrayLike<number>, shares: readonly number[]): Quantile[] {
  return shares.map((q) => ({ q, ms: percentile(samplesMs, q) }))
}

/** Of several lists with the same shares the medians, share by share. */
export function medianQuantiles(lists: readonly (readonly Quantile[])[]): Quantile[] {
  const [first = []] = lists
  return first.map(({ q }, i) => ({ q, ms: median(lists.map((list) => list[i]?.ms ?? Number.NaN)) }))
}

/** The value at a share that the list holds. */
export function quantileAt(list: readonly Quantile[], share: number): number | undefined {
  return list.find(({ q }) => q === share)?.ms
}
