import { expect, it } from 'vitest'
import { Admission } from '../src/admission.ts'
import { BackpressureError } from '../src/index.ts'

function admit(limits: {
  maxBufferedBytes?: number
  maxBufferedBatches?: number
  whenFull?: 'block' | 'reject'
}) {
  const changes: boolean[] = []
  const standstills: number[] = []
  const defaults = { maxBufferedBytes: 1_000, maxBufferedBatches: 10, whenFull: 'block' } as const
  const admission: Admission = new Admission(
    { ...defaults, ...limits },
    {
      onPressure: (on) => void changes.push(on),
      onStandstill: () => void standstills.push(admission.bufferedBytes),
    },
  )
  return { admission, changes, standstills }
}

it('a part may be sent while the bytes under way and those that collectors hold are within the bound', () => {
  const { admission } = admit({})
  admission.acquire(400)
  expect(admission.hasRoom(600)).toBe(true)
  expect(admission.hasRoom(601)).toBe(false)
  admission.hold(500)
  expect(admission.hasRoom(100)).toBe(true)
  expect(admission.hasRoom(101)).toBe(false)
  expect(admission.bufferedBytes).toBe(900)
})

it('a part of any size may be sent while none is under way', () => {
  const { admission } = admit({})
  admission.hold(5_000)
  expect(admission.hasRoom(9_999)).toBe(true)
})

it('what waits for room goes on when parts are answered, or held bytes are let go', async () => {
  for (const free of [(full: Admission) => full.release(500), (full: Admission) => full.hold(-480)]) {
    const { admission } = admit({})
    admission.hold(480)
    admission.acquire(500)
    let hasRoom = false
    const room = admission.room(50).then(() => {
      hasRoom = true
    })
    await Promise.resolve()
    expect(hasRoom).toBe(false)
    free(admission)
    await room
  }
})

it('bytes that are only expected make pressure, and no refusal unless whenFull is reject', () => {
  const { admission, changes } = admit({})
  admission.enter(1_000, 't')
  admission.enter(5_000, 't')
  expect(admission.bufferedBytes).toBe(0)
  expect(changes).toEqual([true])
  admission.expectLess(6_000)
  expect(changes).toEqual([true, false])
  const { admission: refusing } = admit({ whenFull: 'reject' })
  refusing.enter(1_000, 't')
  expect(() => refusing.enter(1, 't')).toThrow(BackpressureError)
  expect(refusing.bufferedBatches).toBe(1)
})

it('pressure is told once when it begins and once when it ends', async () => {
  const { admission, changes } = admit({ maxBufferedBatches: 4 })
  for (let count = 0; count < 4; count++) admission.enter(0, 't')
  expect(changes).toEqual([true])
  const { ready } = admission
  for (let count = 0; count < 4; count++) admission.leave()
  expect(changes).toEqual([true, false])
  await ready
  await admission.ready
})

it('a standstill is told once, when nothing is under way that would end the pressure', () => {
  const { admission, standstills } = admit({})
  admission.enter(0, 't')
  admission.hold(600)
  expect(standstills).toEqual([])
  admission.leave()
  admission.hold(100)
  expect(standstills).toEqual([600])
  admission.enterCollected()
  admission.leave()
  expect(standstills).toEqual([600, 700])
  admission.hold(-700)
  admission.hold(500)
  expect(standstills).toEqual([600, 700, 500])
})

it('there is pressure until there is no reason any more for which nothing can be sent', async () => {
  const { admission, changes } = admit({})
  admission.suspend('disk-full')
  admission.suspend('no-worker')
  admission.suspend('no-worker')
  admission.resume('disk-full')
  expect(changes).toEqual([true])
  admission.resume('no-worker')
  expect(changes).toEqual([true, false])
  await admission.ready
})
