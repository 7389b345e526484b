import { expect, it } from 'vitest'
import { type CpuProfile, selfTimes } from '../src/profile/cpu-profile.ts'

const frame = (functionName: string, url = ''): CpuProfile['nodes'][number]['callFrame'] => ({
  ...{ functionName, url, lineNumber: 1 },
})

it('a profile is summed up by function, without waiting and without what is made to be written', () => {
  const profile: CpuProfile = {
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 3, 5, 6] },
      { id: 2, callFrame: frame('(idle)') },
      { id: 3, callFrame: frame('stage', 'file:///app/writes.ts'), children: [4] },
      { id: 4, callFrame: frame('createRecord', 'file:///app/workload.ts') },
      { id: 5, callFrame: frame('fill', 'file:///core/dist/index.js'), children: [7] },
      { id: 6, callFrame: frame('fill', 'file:///core/dist/index.js') },
      { id: 7, callFrame: frame('') },
    ],
    samples: [1, 2, 3, 4, 5, 6, 7, 5],
    timeDeltas: [1, 100, 10, 10, 5, 6, 20, 5],
  }
  expect(selfTimes(profile)).toEqual([
    { name: '(anonymous)', us: 20 },
    { name: 'fill dist/index.js', us: 16 },
  ])
})
