import { expect, it, vi } from 'vitest'
import { Recovery, type RecoveryContext } from '../src/recovery.ts'

const delays = vi.hoisted((): number[] => [])
vi.mock('node:timers/promises', async (original) => ({
  ...(await original<object>()),
  setTimeout: async (delayMs: number): Promise<void> => void delays.push(delayMs),
}))

it('threads that do not start are tried again after longer and longer, but never after more than five seconds', async () => {
  const failures: string[] = []
  const context = {
    client: {
      start: () => {
        throw new Error('no thread')
      },
    },
    target: { isDurable: true, isFile: true, releaseLock: () => undefined },
    restart: { maxAttempts: 12 },
    sequence: () => 0,
    onRestart: () => undefined,
    onFailure: ({ message }: Error) => void failures.push(message),
  }
  const recovery = new Recovery(context as unknown as RecoveryContext)
  await recovery.begin({ reason: 'it died' } as Parameters<Recovery['begin']>[0])
  expect(failures).toEqual(['the worker ended: it died; it could not be started again: no thread'])
  expect(delays).toHaveLength(11)
  for (const [index, delayMs] of delays.entries()) {
    const longest = Math.min(200 * 2 ** index, 5_000)
    expect(delayMs).toBeGreaterThanOrEqual(longest / 2)
    expect(delayMs).toBeLessThanOrEqual(longest)
  }
})
