import type { Axis } from './axis.ts'

/** Where a series ends. */
export interface End {
  readonly series: string
  readonly x: number
  readonly y: number
}

/** Where the name of a series goes, beside where it ends. */
export interface NamePlace extends End {
  readonly nameX: number
  readonly nameY: number
}

/** Pixels from one line of text to the next. */
const LABEL_GAP = 13

/** Puts names beside the plot, each as near to the height of its end as the others let it. */
export function placeNames(
  ends: readonly End[],
  { x, y, height }: { x: Axis; y: Axis; height: number },
): NamePlace[] {
  const falling = ends.toSorted((a, b) => b.y - a.y)
  const places = spreadOut(
    falling.map((end) => (1 - shareOf(end.y, y)) * height),
    height,
  )
  return falling.map((end, i) => ({
    ...end,
    nameX: x.domain[1],
    nameY: valueAt(1 - (places[i] ?? 0) / height, y),
  }))
}

/** Pixels from the top, ascending, so far apart that a line of text fits; none below the plot. */
function spreadOut(wanted: readonly number[], height: number): number[] {
  const places: number[] = []
  for (const pixels of wanted) {
    places.push(Math.max(pixels, (places.at(-1) ?? Number.NEGATIVE_INFINITY) + LABEL_GAP))
  }
  let lowest = height
  for (let i = places.length - 1; i >= 0; i--) {
    places[i] = Math.min(places[i] ?? 0, lowest)
    lowest = (places[i] ?? 0) - LABEL_GAP
  }
  return places
}

/** How far up the axis a value is, from 0 to 1. */
function shareOf(value: number, { scale, domain: [low, high] }: Axis): number {
  return scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
}

function valueAt(share: number, { scale, domain: [low, high] }: Axis): number {
  return scale === 'log' ? low * (high / low) ** share : low + share * (high - low)
}
