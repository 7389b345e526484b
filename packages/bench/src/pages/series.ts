/** How the marks of one series look; never told by colour alone. */
export interface Series {
  readonly name: string
  /** A custom property of the page, with a value for the light and one for the dark. */
  readonly colour: string
  /** A symbol of Vega's. */
  readonly shape: string
  readonly dash: readonly number[]
}

const DUCKSINK = { colour: 'var(--blue)', shape: 'circle' } as const

const PEERS: Readonly<Record<string, Omit<Series, 'name' | 'dash'>>> = {
  sqlite: { colour: 'var(--green)', shape: 'square' },
  appender: { colour: 'var(--purple)', shape: 'triangle-up' },
  cloned: { colour: 'var(--olive)', shape: 'diamond' },
  bytewax: { colour: 'var(--rust)', shape: 'cross' },
}

/** DuckDB itself, which is the limit and no rival, in the colour of the text. */
const LIMIT = { colour: 'var(--ink)', shape: 'triangle-down' } as const

/** Tells lines of one colour apart. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [9, 3, 2, 3], [3, 2]]

const STREAMS = [DUCKSINK, ...Object.values(PEERS), LIMIT]

/** The series of contenders; all ways to use ducksink, the references, are of one colour. */
export function seriesOfContenders(names: readonly string[], references: readonly string[]): Series[] {
  const counts = new Map<string, number>()
  return names.map((name) => {
    const look = references.includes(name) ? DUCKSINK : (PEERS[name] ?? LIMIT)
    const count = counts.get(look.colour) ?? 0
    counts.set(look.colour, count + 1)
    return { name, ...look, dash: DASHES[count % DASHES.length] ?? [] }
  })
}

/** The series of anything else: a colour each, in their order. */
export function seriesOf(names: readonly string[]): Series[] {
  return names.map((name, i) => ({
    name,
    ...(STREAMS[i % STREAMS.length] ?? LIMIT),
    dash: DASHES[Math.floor(i / STREAMS.length) % DASHES.length] ?? [],
  }))
}
