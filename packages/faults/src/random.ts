import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Numbers that one seed gives again and again, so that a run can be repeated. */
export class Random {
  readonly #generator: ReturnType<typeof xoroshiro128plus>

  /** @param seeds - what tells these numbers from others, such as the campaign's seed and the run's index */
  constructor(...seeds: readonly (number | string)[]) {
    this.#generator = xoroshiro128plus(mix(seeds))
  }

  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return uniformInt(this.#generator, from, to)
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.int(1, times) === 1
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)] as T
  }
}

// FNV-1a over the text of the seeds
function mix(seeds: readonly (number | string)[]): number {
  let hash = 0x811c9dc5
  for (const character of seeds.join('/')) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
  return hash | 0
}
