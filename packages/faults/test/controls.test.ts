import { expect, it } from 'vitest'
import { BROKEN_BUILDS } from '../src/broken-builds.ts'
import { runControls } from '../src/controls.ts'

// the suite would be worth nothing if it found nothing in these
it.each(BROKEN_BUILDS)(
  'notices a build with $name',
  async (build) => {
    const [control] = await runControls({ seed: 1, lanes: 1, runs: 8, untilCaught: true, builds: [build] })
    expect(control?.caught).toBeGreaterThan(0)
  },
  60_000,
)
