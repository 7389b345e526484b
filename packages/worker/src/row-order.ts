/** A row that has a key in common with other rows of its part. */
export interface SharedKey {
  readonly row: number
  /** The rule that the key may be there once. */
  readonly rule: number
  /** The same number for all rows with that key. */
  readonly group: number
}

/** A row that refers to one that is not in the table yet. */
export interface Reference {
  readonly row: number
  readonly rule: number
  /** A row of the same part that has the key referred to, if there is one. */
  readonly parent: number | undefined
}

/** What becomes of the rows of a part. */
export interface RowOrder {
  /** The rows that are left out, each with the rule it breaks. */
  readonly refused: ReadonlyMap<number, number>
  /** The rows that refer to others of the part, in the order in which they must be inserted; all others come first. */
  readonly later: readonly (readonly number[])[]
}

/**
 * Decides about the rows of a part as if they were inserted one by one in their order: a row takes its keys, and may
 * be referred to, only where it is inserted itself.
 *
 * @param broken - the rows that break a rule whatever the others do
 */
export function orderRows(
  broken: ReadonlyMap<number, number>,
  sharedKeys: readonly SharedKey[],
  references: readonly Reference[],
): RowOrder {
  const refused = new Map(broken)
  const keysOf = Map.groupBy(sharedKeys, ({ row }) => row)
  const referencesOf = Map.groupBy(references, ({ row }) => row)
  const taken = new Set<string>()
  const rounds = new Map<number, number>()
  const later: number[][] = []
  const rows = [...new Set([...keysOf.keys(), ...referencesOf.keys()])].sort((a, b) => a - b)
  for (const row of rows) {
    if (refused.has(row)) continue
    const round = roundOf(row, referencesOf.get(row) ?? [], refused, rounds)
    const keys = keysOf.get(row) ?? []
    const rule = round.brokenRule ?? keys.find((key) => taken.has(nameOf(key)))?.rule
    if (rule !== undefined) {
      refused.set(row, rule)
      continue
    }
    for (const key of keys) taken.add(nameOf(key))
    if (round.number === 0) continue
    rounds.set(row, round.number)
    later[round.number - 1] ??= []
    later[round.number - 1]?.push(row)
  }
  return { refused, later }
}

/** The round in which a row can be inserted: the one after those of the rows that it refers to. */
function roundOf(
  row: number,
  references: readonly Reference[],
  refused: ReadonlyMap<number, number>,
  rounds: ReadonlyMap<number, number>,
): { readonly number: number; readonly brokenRule: number | undefined } {
  const isThere = ({ parent }: Reference): boolean =>
    parent !== undefined && parent < row && !refused.has(parent)
  const found = references.filter(isThere)
  const missing = references.find(({ rule }) => !found.some((reference) => reference.rule === rule))
  const number = Math.max(0, ...found.map(({ parent }) => 1 + (rounds.get(parent as number) ?? 0)))
  return { number, brokenRule: missing?.rule }
}

const nameOf = ({ rule, group }: SharedKey): string => `${rule}:${group}`
