import { describe, expect, it } from 'vitest'
import { median, pairRatios, percentile, spread } from '../src/statistics.ts'

describe('median', () => {
  it('is the one in the middle, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
  })

  it('is the mean of the two in the middle of an even number', () => {
    expect(median([4, 1, 2, 8])).toBe(3)
  })

  it('orders by value, not as text', () => {
    expect(median([10, 9, 100])).toBe(10)
  })

  it('refuses an empty set', () => {
    expect(() => median([])).toThrow(RangeError)
  })
})

describe('percentile', () => {
  it('interpolates between neighbours', () => {
    expect(percentile([0, 10], 0.25)).toBe(2.5)
    expect(percentile([1, 2, 3, 4, 5], 1)).toBe(5)
    expect(percentile([1, 2, 3, 4, 5], 0)).toBe(1)
  })

  it('does not change what it is given', () => {
    const samples = [3, 1, 2]
    percentile(samples, 0.5)
    expect(samples).toEqual([3, 1, 2])
  })
})

describe('pairRatios', () => {
  it('compares pair by pair, so that a machine that slows both down changes nothing', () => {
    expect(pairRatios([10, 5, 2], [5, 2.5, 1])).toEqual([2, 2, 2])
    expect(spread(pairRatios([10, 6], [5, 2]))).toEqual({ median: 2.5, min: 2, max: 3 })
  })

  it('refuses sets that are no pairs', () => {
    expect(() => pairRatios([1, 2], [1])).toThrow(RangeError)
  })
})
