import type { TopLevelSpec } from 'vega-lite'
import { type Axis, encodeAxis } from './axis.ts'
import { sizeChart, textWidth } from './chart.ts'
import { placeNames } from './name-places.ts'
import type { Series } from './series.ts'

export interface Point {
  readonly series: string
  readonly x: number
  readonly y: number
  /** Where it spreads: the ends of its whisker. */
  readonly low?: number
  readonly high?: number
  /** What a pointer over it reads. */
  readonly label?: string
}

export interface LineChart {
  readonly series: readonly Series[]
  /** Of each series in the order of `x`. */
  readonly points: readonly Point[]
  readonly x: Axis
  readonly y: Axis
  /** Without them where the points are too many to see one. */
  readonly symbols: boolean
}

const PLOT_HEIGHT = 220

/** Lines with their names at their ends, whiskers where there are any, and a symbol at each point. */
export function lineChart({ series, points, x, y, symbols }: LineChart): TopLevelSpec {
  const drawn = points.filter((point) => Number.isFinite(point.y))
  const right = 12 + Math.max(...series.map(({ name }) => textWidth(name)))
  return {
    ...sizeChart(PLOT_HEIGHT, { top: 24, right, bottom: 38, left: 48 }),
    data: { values: drawn },
    encoding: {
      x: { field: 'x', type: 'quantitative', ...encodeAxis(x) },
      y: { field: 'y', type: 'quantitative', ...encodeAxis(y) },
      color: bySeries(series, 'colour'),
    },
    layer: [
      whiskerLayer(drawn),
      {
        name: 'lines',
        data: { values: drawn.filter(({ series: name }) => isLine(name, drawn)) },
        mark: { type: 'line', strokeWidth: 1.75 },
        encoding: { strokeDash: bySeries(series, 'dash') },
      },
      ...(symbols ? [pointLayer(series)] : []),
      ...nameLayers({ series, points: drawn, x, y }),
    ],
  } as TopLevelSpec
}

/** A single point is its symbol alone: a line of it would be a mark that nobody sees. */
function isLine(series: string, points: readonly Point[]): boolean {
  return points.filter((point) => point.series === series).length > 1
}

/** An encoding of what each series has of its own. */
function bySeries(series: readonly Series[], part: 'colour' | 'dash' | 'shape'): object {
  const scale = { domain: series.map(({ name }) => name), range: series.map((one) => one[part]) }
  return { field: 'series', type: 'nominal', legend: null, scale }
}

function whiskerLayer(points: readonly Point[]): object {
  return {
    name: 'whiskers',
    data: { values: points.filter(({ low, high }) => low !== undefined && high !== undefined) },
    mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.55 },
    encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
  }
}

function pointLayer(series: readonly Series[]): object {
  return {
    name: 'points',
    mark: { type: 'point', filled: true, size: 42, opacity: 1 },
    encoding: { shape: bySeries(series, 'shape'), description: { field: 'label' } },
  }
}

/** The names of the series, and dots that lead there from lines that end early. */
function nameLayers({ series, points, x, y }: Omit<LineChart, 'symbols'>): object[] {
  const ends = series.flatMap(({ name }) => points.findLast((point) => point.series === name) ?? [])
  const names = placeNames(ends, { x, y, height: PLOT_HEIGHT })
  const lastX = Math.max(...ends.map((end) => end.x))
  return [
    {
      name: 'leaders',
      data: { values: names.filter((name) => name.x < lastX) },
      mark: { type: 'rule', strokeWidth: 1, strokeDash: [1, 3] },
      encoding: { x2: { field: 'nameX' }, y2: { field: 'nameY' } },
    },
    {
      name: 'names',
      data: { values: names },
      mark: { type: 'text', align: 'left', dx: 8, baseline: 'middle' },
      encoding: {
        x: { field: 'nameX', type: 'quantitative' },
        y: { field: 'nameY', type: 'quantitative' },
        text: { field: 'series' },
      },
    },
  ]
}
