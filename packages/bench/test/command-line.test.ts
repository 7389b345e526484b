import { describe, expect, it } from 'vitest'
import { chooseContenders, type Plan, parsePlan, UsageError } from '../src/command-line.ts'
import { SCENARIOS, type WriteScenario } from '../src/scenarios/catalog.ts'

function plan(...args: string[]): Plan {
  return parsePlan(args) as Plan
}

function contenders(chosen: Plan, name: string): string[] {
  return chooseContenders(chosen, SCENARIOS.find((scenario) => scenario.name === name) as WriteScenario)
}

describe('the command line', () => {
  it('runs everything but the long streams when nothing is named', () => {
    const { scenarios, rounds, withSeed } = plan()
    expect(scenarios.map(({ kind }) => kind)).not.toContain('stream')
    expect(rounds).toBeGreaterThan(1)
    expect(withSeed).toBe(false)
  })

  it('takes scenarios and rounds, also after the -- that package managers leave', () => {
    const { scenarios, rounds } = plan('--', '--scenario', 'callers', '--scenario', 'memory', '--rounds', '3')
    expect(scenarios.map(({ name }) => name)).toEqual(['callers', 'memory'])
    expect(rounds).toBe(3)
  })

  it('puts bytewax beside ducksink where it is asked for, and where there is something to compare', () => {
    expect(contenders(plan(), 'memory-1000')).not.toContain('bytewax')
    expect(contenders(plan('--seed'), 'memory-1000').slice(0, 2)).toEqual(['ducksink', 'bytewax'])
    expect(contenders(plan('--seed'), 'callers')).not.toContain('bytewax')
  })

  it('takes one contender or all of a peer', () => {
    expect(contenders(plan('--peer', 'sqlite'), 'file-100')).toEqual(['sqlite'])
    expect(contenders(plan('--peer', 'ducksink'), 'file-100')).toEqual(['ducksink', 'ducksink-32'])
  })

  it('names what it does not know', () => {
    expect(() => plan('--scenario', 'nowhere')).toThrow(new UsageError("no scenario is called 'nowhere'"))
    expect(() => plan('--peer', 'nobody')).toThrow(new UsageError("no peer is called 'nobody'"))
    expect(() => plan('--rounds', '0')).toThrow(UsageError)
  })

  it('has a name for each scenario that no other has', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length)
  })
})
