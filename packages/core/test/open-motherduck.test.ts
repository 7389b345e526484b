import { dirname } from 'node:path'
import { inspect } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import type { SinkError } from '../src/index.ts'
import { collectLog } from './log-lines.ts'
import { databasePath, openEngine, rejection } from './open-engine.ts'

const TOKEN = "hu$h 'quoted' tök=n"
const IN_QUERY = `motherduck_token=${encodeURIComponent(TOKEN)}`
const SECRET = /hu\$h|hu%24h|quoted|t(?:ö|%C3%B6)k/i

/** All that an app could show of an error. */
function shown(error: unknown): string {
  const { message, stack, cause } = error as Error
  const whole = inspect(error, { depth: 20, showHidden: true, getters: true })
  const own = cause === undefined ? '' : shown(cause)
  return [message, stack, whole, JSON.stringify(error), String(error), own].join('\n')
}

/** Opens in vain, at a place where the extension cannot come from; returns what an app could show of it. */
async function openNowhere(
  path: string,
  config: Record<string, string> = {},
): Promise<{ error: SinkError; text: string }> {
  const { logger, lines } = collectLog()
  const nowhere = {
    custom_extension_repository: 'http://127.0.0.1:9',
    extension_directory: dirname(databasePath()),
  }
  const error = await rejection(openEngine({ path, config: { ...nowhere, ...config }, logger }))
  return { error: error as SinkError, text: shown(error) + JSON.stringify(lines) }
}

it.each([
  { place: 'path', path: `md:events?${IN_QUERY}`, config: {} },
  { place: 'config', path: 'md:events', config: { motherduck_token: TOKEN } },
])(
  'MotherDuck that cannot be reached is told with the cause and without the token of the $place',
  async ({ path, config }) => {
    const { error, text } = await openNowhere(path, config)
    expect(error).toMatchObject({ name: 'TargetUnavailableError', code: 'TARGET_UNAVAILABLE' })
    expect(error.message).toMatch(
      /^cannot open md:events: the MotherDuck extension .* could not be downloaded, is there a network/,
    )
    expect(text).not.toMatch(SECRET)
  },
)

it('the token of the environment is used and not shown', async () => {
  process.env.motherduck_token = TOKEN
  onTestFinished(() => {
    delete process.env.motherduck_token
  })
  const { error, text } = await openNowhere('md:events')
  expect(error.message).toMatch(/could not be downloaded/)
  expect(text).not.toMatch(SECRET)
})

it.each([
  { path: `md:events?${IN_QUERY}`, config: { threads: 'many' } },
  { path: `md:events?${IN_QUERY}`, config: { motherduck_token: 'another' } },
  { path: `md:_share/events/1?${IN_QUERY}`, config: {} },
  { path: `motherduck:events?${IN_QUERY}`, config: {} },
  { path: `events.duckdb?${IN_QUERY}`, config: {} },
  { path: `:memory:?${IN_QUERY}&no_such_setting=${IN_QUERY}`, config: {} },
])('a mistake beside a token does not show it: $path', async ({ path, config }) => {
  const { error, text } = await openNowhere(path, config)
  expect(error.code).toBe('INVALID_OPTIONS')
  expect(text).not.toMatch(SECRET)
})

it('without a token nothing is tried', async () => {
  const { error } = await openNowhere('md:')
  expect(error.message).toMatch(/^cannot open md:: there is no MotherDuck token/)
})
