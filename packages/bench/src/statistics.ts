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
