/** What an axis spans, and the values that it names. */
export interface Scale {
  readonly scale: 'linear' | 'log'
  readonly domain: readonly [number, number]
  readonly ticks: readonly { readonly value: number; readonly text: string }[]
}

export interface Axis extends Scale {
  readonly title: string
}

/** The part of an encoding that says how an axis looks. */
export function encodeAxis({ title, scale, domain, ticks }: Axis): object {
  const text = Object.fromEntries(ticks.map((tick) => [tick.value, tick.text]))
  return {
    scale: { type: scale, domain, nice: false },
    axis: {
      title,
      values: ticks.map(({ value }) => value),
      labelExpr: `(${JSON.stringify(text)})[datum.value]`,
    },
  }
}

/** A logarithmic scale over all positive values, with a tick at 1, 2 and 5 or, where it is long, at powers of ten. */
export function logScale(values: readonly number[], write: (value: number) => string): Scale {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value))
  if (positive.length === 0) return logScale([1], write)
  const low = Math.min(...positive) / 1.25
  const high = Math.max(...positive) * 1.25
  const steps = high / low > 150 ? [1] : high / low > 30 ? [1, 3] : [1, 2, 5]
  const ticks: { value: number; text: string }[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      // Written as a literal, for 10 ** -2 and its like are a little beside it.
      const value = Number(`${step}e${power}`)
      if (value >= low && value <= high) ticks.push({ value, text: write(value) })
    }
  }
  return { scale: 'log', domain: [low, high], ticks }
}

/** A scale from 0 to a round number above all values. */
export function zeroScale(values: readonly number[], write: (value: number) => string): Scale {
  const highest = highestOf(values)
  const step = roundStep(highest / 4)
  const ticks = ticksUpTo(highest * 1.02 + step * 0.999, step, write)
  return { scale: 'linear', domain: [0, ticks.at(-1)?.value ?? step], ticks }
}

/** A scale from 0 that ends where the values do, with room for few ticks. */
export function fittedScale(values: readonly number[], write: (value: number) => string): Scale {
  const highest = highestOf(values)
  return { scale: 'linear', domain: [0, highest], ticks: ticksUpTo(highest, roundStep(highest / 3), write) }
}

function highestOf(values: readonly number[]): number {
  return Math.max(...values.filter(Number.isFinite), Number.MIN_VALUE)
}

/** The next number above that is easily counted in. */
function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 2.5, 5].find((factor) => factor * power >= rough) ?? 10)
}

function ticksUpTo(end: number, step: number, write: (value: number) => string): Scale['ticks'] {
  const count = Math.floor(end / step) + 1
  return Array.from({ length: count }, (_, i) => ({ value: i * step, text: write(i * step) }))
}
