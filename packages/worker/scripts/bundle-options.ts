import type { InputOptions } from 'rolldown'

/** How what the package holds is bundled, for tests as well. */
export const BUNDLE_OPTIONS: InputOptions = {
  platform: 'node',
  // Comlink has no exports map: without this its UMD build would be taken.
  resolve: { mainFields: ['module', 'main'] },
  onLog: (level, log) => {
    if (level === 'warn') throw new Error(log.message)
  },
}
