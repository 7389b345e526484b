import type { TopLevelSpec } from 'vega-lite'
import { type Axis, encodeAxis } from './axis.ts'
import { sizeChart } from './chart.ts'

/** A kind of mark that rows may have one of. */
interface RowMark {
  readonly name: string
  readonly colour: string
  /** A symbol of Vega's. */
  readonly shape: string
  readonly filled: boolean
}

interface RowPoint {
  /** The name of the row. */
  readonly row: string
  /** The name of the mark. */
  readonly mark: string
  readonly x: number
  /** What a pointer over it reads. */
  readonly label: string
}

export interface RowChart {
  readonly marks: readonly RowMark[]
  readonly points: readonly RowPoint[]
  readonly x: Axis
}

const ROW_HEIGHT = 38
const BELOW_NAME = 6

/** A row for each name, which stands above its marks and a line from the first to the last of them. */
export function rowChart({ marks, points, x }: RowChart): TopLevelSpec {
  const drawn = points.filter((point) => Number.isFinite(point.x))
  const rows = [...Map.groupBy(drawn, ({ row }) => row)].map(([row, own]) => {
    const values = own.map((point) => point.x)
    return { row, first: Math.min(...values), last: Math.max(...values) }
  })
  return {
    ...sizeChart(ROW_HEIGHT * rows.length, { top: 6, right: 22, bottom: 38, left: 8 }),
    data: { values: rows },
    encoding: { y: { field: 'row', type: 'nominal', sort: null, axis: null } },
    layer: [
      {
        name: 'names',
        mark: { type: 'text', align: 'left', x: 0, dy: -9 },
        encoding: { text: { field: 'row' } },
      },
      {
        name: 'ranges',
        mark: { type: 'rule', color: 'var(--muted)', opacity: 0.55, yOffset: BELOW_NAME },
        encoding: { x: { field: 'first', type: 'quantitative', ...encodeAxis(x) }, x2: { field: 'last' } },
      },
      ...marks.map((mark) => markLayer(mark, drawn)),
    ],
  } as TopLevelSpec
}

function markLayer({ name, colour, shape, filled }: RowMark, points: readonly RowPoint[]): object {
  return {
    name,
    data: { values: points.filter(({ mark }) => mark === name) },
    mark: { type: 'point', color: colour, shape, filled, size: 46, opacity: 1, yOffset: BELOW_NAME },
    encoding: { x: { field: 'x', type: 'quantitative' }, description: { field: 'label' } },
  }
}
