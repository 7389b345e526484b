import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { applySettings, mergeSettings, redactor, setStep, settingError } from '../src/config.ts'
import { InvalidOptionsError } from '../src/protocol/errors.ts'

const problemsOf = (query: string, config: unknown): readonly string[] => {
  try {
    mergeSettings(query, config)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionsError)
    return (error as InvalidOptionsError).problems ?? []
  }
  return []
}

describe('mergeSettings', () => {
  test('puts query parameters and config together, decoded', () => {
    const settings = mergeSettings('threads=2&temp_directory=%2Ftmp%2Fa+b', { memory_limit: '1GB' })
    expect([...settings]).toEqual([
      ['threads', '2'],
      ['temp_directory', '/tmp/a b'],
      ['memory_limit', '1GB'],
    ])
  })

  test('knows a setting by its other names and in any case', () => {
    expect([...mergeSettings('Max_Memory=1GB', { WORKER_THREADS: '2' })]).toEqual([
      ['memory_limit', '1GB'],
      ['threads', '2'],
    ])
  })

  test('takes the same value from both places and refuses different ones', () => {
    expect([...mergeSettings('threads=2', { threads: '2' })]).toEqual([['threads', '2']])
    expect(problemsOf('threads=2', { threads: '3' })).toEqual([expect.stringContaining('different values')])
    expect(problemsOf('memory_limit=1GB', { max_memory: '2GB' })).toHaveLength(1)
    expect(problemsOf('threads=2&threads=3', undefined)).toHaveLength(1)
  })

  test('names every problem at once', () => {
    const config = { threads: 2, access_mode: 'read_only', 'a;b': '1', home_directory: null, TimeZone: 'a\0' }
    expect(problemsOf('schema=x', config)).toEqual([
      expect.stringContaining('"schema"'),
      expect.stringContaining('"threads": must be a string, got number'),
      expect.stringContaining('"access_mode": cannot be set: a sink always opens'),
      expect.stringContaining('"a;b": no name'),
      expect.stringContaining('"home_directory": must be a string, got null'),
      expect.stringContaining('"TimeZone"'),
    ])
  })

  test('refuses a config that is no object', () => {
    for (const config of ['threads=1', ['threads'], null, 1]) expect(problemsOf('', config)).toHaveLength(1)
  })

  test('shows no values', () => {
    const tell = (): unknown =>
      mergeSettings('motherduck_token=hush', { motherduck_token: 'quiet', 'a-b': 'still' })
    expect(tell).toThrow(InvalidOptionsError)
    expect(tell).not.toThrow(/hush|quiet|still/)
  })

  test('reads own fields alone', () => {
    const config = Object.create({ threads: '9' }) as Record<string, string>
    expect([...mergeSettings('', config)]).toEqual([])
    expect(problemsOf('', JSON.parse('{"__proto__":{"x":1}}'))).toEqual([
      expect.stringContaining('__proto__'),
    ])
  })
})

describe('applySettings', () => {
  const apply = (config: Record<string, string>) =>
    applySettings(
      mergeSettings('', config),
      { threads: '1' },
      { memory_limit: '1GiB', lock_configuration: 'true' },
    )

  test('gives the instance only what cannot be set later', () => {
    const { instance, steps } = apply({ custom_user_agent: 'me', threads: '4' })
    expect(instance).toEqual({ threads: '1', custom_user_agent: 'me' })
    expect(steps.map((step) => step.sql())).toEqual([
      `SET GLOBAL "memory_limit" = '1GiB'`,
      `SET GLOBAL "threads" = '4'`,
    ])
  })

  test('lets a given setting take the place of its default', () => {
    expect(apply({ max_memory: '2GB' }).steps.map((step) => step.sql())).toEqual([
      `SET GLOBAL "memory_limit" = '2GB'`,
    ])
  })

  test('closes external access before the lock, and the lock is last', () => {
    const { steps, lockDown } = apply({ lock_configuration: 'false', enable_external_access: 'false' })
    expect(steps.map((step) => step.setting)).toEqual(['memory_limit'])
    expect(lockDown.map((step) => step.sql())).toEqual([
      `SET GLOBAL "enable_external_access" = 'false'`,
      `SET GLOBAL "lock_configuration" = 'false'`,
    ])
  })
})

test('external access that is wanted is left as it is', () => {
  const { lockDown } = applySettings(
    mergeSettings('', { enable_external_access: 'TRUE' }),
    {},
    { enable_external_access: 'false', lock_configuration: 'true' },
  )
  expect(lockDown.map((step) => step.setting)).toEqual(['lock_configuration'])
})

test('a step quotes its value and shows it to nobody who inspects it', () => {
  const step = setStep('s3_secret_access_key', "it's", 'SESSION')
  expect(step.sql()).toBe(`SET "s3_secret_access_key" = 'it''s'`)
  expect(inspect(step, { depth: 9, showHidden: true })).not.toContain("it's")
  expect(JSON.stringify(step)).not.toContain("it's")
})

test('a redactor hides secrets in every spelling, and nothing else', () => {
  const redact = redactor(
    mergeSettings('motherduck_token=a%27b%20c', { http_proxy_password: 'swordfish', threads: '1' }),
  )
  expect(redact(`swordfish, plain a'b c, quoted 'a''b c', encoded a'b%20c, threads 1`)).toBe(
    `***, plain ***, quoted '***', encoded ***, threads 1`,
  )
})

test('a setting that DuckDB refuses is named', () => {
  const error = settingError(setStep('threads', 'x'), 'Invalid Input Error: no number')
  expect(error).toBeInstanceOf(InvalidOptionsError)
  expect(error.problems).toEqual(['setting "threads": Invalid Input Error: no number'])
  const local = settingError(setStep('profiling_mode', 'x'), 'option "profiling_mode" cannot be set globally')
  expect(local.message).toContain('single connection')
})
