import { describe, expect, it } from 'vitest'
import { chooseContenders, type Plan, parsePlan, UsageError } from '../src/command-line.ts'
import { SCENARIOS } from '../src/scenarios/catalog.ts'
import type { WriteScenario } from '../src/scenarios/scenario.ts'

function plan(...args: string[]): Plan {
  return parsePlan(args) as Plan
}

function names(chosen: Plan): string[] {
  return chosen.scenarios.map(({ name }) => name)
}

function contenders(chosen: Plan, name: string): string[] {
  return chooseContenders(chosen, SCENARIOS.find((scenario) => scenario.name === name) as WriteScenario)
}

describe('the command line', () => {
  it('runs a suite: without a name that of everyday', () => {
    expect(names(plan())).toContain('memory-122880')
    expect(names(plan())).not.toContain('stream')
    expect(plan().withSeed).toBe(false)
    expect(new Set(plan('--suite', 'scale').scenarios.map(({ kind }) => kind))).toEqual(new Set(['stream']))
  })

  it('has bytewax-duckdb take part in the suite of the seed, and the shapes of tables besides', () => {
    const seed = plan('--suite', 'seed')
    expect(seed.withSeed).toBe(true)
    expect(names(seed)).toEqual(
      expect.arrayContaining([...names(plan()), 'text-emoji-memory', 'columns-512-file']),
    )
  })

  it('takes scenarios and rounds, also after the -- that package managers leave', () => {
    const chosen = plan('--', '--scenario', 'callers', '--scenario', 'stream', '--rounds', '3')
    expect(names(chosen)).toEqual(['callers', 'stream'])
    expect(chosen.rounds).toBe(3)
  })

  it('takes all scenarios that a pattern fits', () => {
    expect(names(plan('--scenario', 'nulls-*-memory'))).toEqual([
      'nulls-0-memory',
      'nulls-10-memory',
      'nulls-90-memory',
    ])
  })

  it('puts bytewax beside ducksink where it is asked for, and where there is something to compare', () => {
    const seed = plan('--suite', 'seed')
    expect(contenders(plan(), 'memory-1000')).not.toContain('bytewax')
    expect(contenders(seed, 'memory-1000').slice(0, 2)).toEqual(['ducksink', 'bytewax'])
    expect(contenders(seed, 'callers')).not.toContain('bytewax')
    expect(plan('--peer', 'bytewax').withSeed).toBe(true)
    expect(plan('--suite', 'seed', '--peer', 'sqlite').withSeed).toBe(false)
  })

  it('takes one contender or all of a peer', () => {
    expect(contenders(plan('--peer', 'sqlite'), 'file-100')).toEqual(['sqlite'])
    expect(contenders(plan('--peer', 'ducksink'), 'file-100')).toEqual([
      'ducksink',
      'ducksink-ungrouped',
      'ducksink-32',
    ])
  })

  it('guards the quick suite and the counts, and nothing else', () => {
    expect(plan().guard).toBeUndefined()
    expect(plan('--suite', 'quick').guard).toBe('compare')
    expect(plan('--suite', 'quick', '--update').guard).toBe('update')
    expect(plan('--instructions').guard).toBe('compare')
    expect(() => plan('--update')).toThrow(UsageError)
  })

  it('names what it does not know', () => {
    expect(() => plan('--scenario', 'nowhere')).toThrow(new UsageError("no scenario is called 'nowhere'"))
    expect(() => plan('--scenario', 'no*')).toThrow(UsageError)
    expect(() => plan('--peer', 'nobody')).toThrow(new UsageError("no peer is called 'nobody'"))
    expect(() => plan('--suite', 'sweet')).toThrow(new UsageError("no suite is called 'sweet'"))
    expect(() => plan('--rounds', '0')).toThrow(UsageError)
  })

  it('leaves out scenarios in which none of the named peers takes part, and refuses a peer that has none', () => {
    expect(names(plan('--peer', 'autocommit'))).toEqual(['single-record'])
    expect(names(plan('--peer', 'ducksink'))).toContain('open')
    expect(() => plan('--scenario', 'memory-100', '--peer', 'autocommit')).toThrow(
      new UsageError("'autocommit' takes part in none of these scenarios"),
    )
    expect(() => plan('--scenario', 'callers', '--peer', 'bytewax')).toThrow(UsageError)
  })

  it('takes nothing that it would leave aside', () => {
    for (const option of ['--scenario', '--peer', '--rounds', '--json']) {
      const value = { '--scenario': 'callers', '--peer': 'ducksink' }[option] ?? '1'
      expect(() => plan('--instructions', option, value)).toThrow(
        new UsageError(`${option} does not go with --instructions`),
      )
    }
  })

  it('has every peer write batches of every size, in memory and to a file', () => {
    const seed = plan('--suite', 'seed')
    for (const [target, count] of Object.entries({ memory: 5, file: 5 })) {
      const sizes = names(seed).filter((name) => new RegExp(`^${target}-\\d+$`).test(name))
      expect(sizes).toHaveLength(count)
      for (const name of sizes)
        expect(contenders(seed, name)).toEqual(
          expect.arrayContaining(['ducksink', 'bytewax', 'sqlite', 'appender', 'cloned', 'insert-select']),
        )
    }
  })

  it('has a name for each scenario that no other has', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length)
  })
})
