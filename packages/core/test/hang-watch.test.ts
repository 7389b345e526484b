import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { HangWatch } from '../src/hang-watch.ts'

const TIMEOUT_MS = 1_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watch(timeoutMs = TIMEOUT_MS): { readonly watch: HangWatch; readonly onHang: () => void } {
  const onHang = vi.fn()
  return { watch: new HangWatch(timeoutMs, onHang), onHang }
}

it('calls that are pending while nothing comes are told once the time is over', () => {
  const { watch: watched, onHang } = watch()
  watched.begin()
  vi.advanceTimersByTime(TIMEOUT_MS)
  expect(onHang).not.toHaveBeenCalled()
  vi.advanceTimersByTime(TIMEOUT_MS / 10)
  expect(onHang).toHaveBeenCalledTimes(1)
})

it('whatever comes from the worker is progress', () => {
  const { watch: watched, onHang } = watch()
  watched.begin()
  watched.begin()
  for (let turn = 0; turn < 10; turn++) {
    vi.advanceTimersByTime(TIMEOUT_MS * 0.9)
    watched.progress()
  }
  watched.end()
  watched.end()
  vi.advanceTimersByTime(10 * TIMEOUT_MS)
  expect(onHang).not.toHaveBeenCalled()
  expect(vi.getTimerCount()).toBe(0)
})

it('what may take long may take as long as it likes, and the time begins anew after it', () => {
  const { watch: watched, onHang } = watch()
  watched.begin()
  watched.pause(true)
  vi.advanceTimersByTime(10 * TIMEOUT_MS)
  watched.pause(false)
  vi.advanceTimersByTime(TIMEOUT_MS)
  expect(onHang).not.toHaveBeenCalled()
  vi.advanceTimersByTime(TIMEOUT_MS / 10)
  expect(onHang).toHaveBeenCalled()
})

it('a timeout of 0 is none', () => {
  const { watch: watched, onHang } = watch(0)
  watched.begin()
  expect(vi.getTimerCount()).toBe(0)
  expect(onHang).not.toHaveBeenCalled()
})
