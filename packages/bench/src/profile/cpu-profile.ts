/** A CPU profile as V8 writes it: a tree of calls, and which of them ran at each sample. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  /** Microseconds that each sample stands for. */
  readonly timeDeltas: readonly number[]
}

/** The time of a function itself, what it calls left out. */
export interface SelfTime {
  readonly name: string
  readonly us: number
}

/** Calls under which nothing is the engine's: records are made, the garbage of that is collected. */
const STAGING = new Set(['stage', 'createShaped', 'createRecords', 'createGenerated'])

/** What is no code of the engine: waiting, and the collector, which mostly works for those who stage records. */
const LEFT_OUT = new Set(['(idle)', '(root)', '(garbage collector)'])

/** The functions of a profile by the time they took, the longest first; the staging of records is left out. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): SelfTime[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const isStaging = (id: number | undefined): boolean => {
    for (let at = id; at !== undefined; at = parents.get(at))
      if (STAGING.has(byId.get(at)?.callFrame.functionName ?? '')) return true
    return false
  }
  const counted = new Map(
    nodes.map(({ id, callFrame }) => [id, !LEFT_OUT.has(callFrame.functionName) && !isStaging(id)]),
  )
  const times = new Map<string, number>()
  samples.forEach((id, index) => {
    const node = byId.get(id)
    if (node === undefined || counted.get(id) !== true) return
    const name = nameOf(node.callFrame)
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  })
  return [...times].map(([name, us]) => ({ name, us })).sort((a, b) => b.us - a.us)
}

/** Copies of a loop have no file: see field-loop.ts of core. */
function nameOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  const file = url.split('/').slice(-2).join('/')
  return `${functionName === '' ? '(anonymous)' : functionName} ${file}`.trim()
}
