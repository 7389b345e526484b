import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/* Checks the tarballs in artifacts/ (see `npm run pack`): linted, typed, and used by an app of their own. */

const app = `
import { SinkEngine } from '@ducksink/core'

const engine = await SinkEngine.open({ path: ':memory:' })
await engine.write('packed', [{ id: 1, name: 'duck' }])
const rows = await engine.query<{ name: string }>('SELECT name FROM packed')
await engine.close()
if (rows[0]?.name !== 'duck') throw new Error('The packed engine did not answer with what was written')
`

const tarballs = ['core', 'worker'].map((name) => ({ name, path: findTarball(name) }))
for (const { path } of tarballs) {
  run('publint', ['run', path, '--strict'])
  run('attw', [path, '--profile', 'esm-only', '--format', 'ascii'])
}
const consumer = mkdtempSync(join(tmpdir(), 'ducksink-consumer-'))
try {
  for (const { name, path } of tarballs) install(name, path)
  checkApp()
} finally {
  rmSync(consumer, { recursive: true, force: true })
}
console.log('The tarballs work in an app of their own.')

function findTarball(name: string): string {
  const found = readdirSync('artifacts').filter((file) => file.startsWith(`ducksink-${name}-`))
  if (found.length !== 1) throw new Error(`Expected one tarball of ${name}, found: ${found.join(', ')}`)
  return join('artifacts', found.join())
}

function install(name: string, path: string): void {
  const folder = join(consumer, 'node_modules', '@ducksink', name)
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', path, '-C', folder, '--strip-components=1'])
  checkContents(folder)
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const dependency of Object.keys(dependencies)) {
    if (dependency.startsWith('@ducksink/')) continue
    const link = join(folder, 'node_modules', dependency)
    mkdirSync(join(link, '..'), { recursive: true })
    symlinkSync(resolve('packages', name, 'node_modules', dependency), link)
  }
}

function checkContents(folder: string): void {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/(?<!\.d)\.[cm]?ts$/.test(file)) throw new Error(`${file} is a source file`)
  }
  if (/ducksink-source|workspace:/.test(readFileSync(join(folder, 'package.json'), 'utf8'))) {
    throw new Error(`${folder}/package.json names the development condition or the workspace`)
  }
}

function checkApp(): void {
  writeFileSync(join(consumer, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(join(consumer, 'app.ts'), app)
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    noEmit: true,
    strict: true,
    types: ['node'],
    typeRoots: [resolve('node_modules/@types')],
  }
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }))
  run('tsc', ['-p', consumer])
  run(process.execPath, [join(consumer, 'app.ts')])
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'inherit' })
}
