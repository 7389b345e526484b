const { registerHooks } = require('node:module')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')
const { isMainThread } = require('node:worker_threads')

// Preloaded by every process and thread of the tests: a thread that loads the worker gets the bundle that is made of it
// before the tests, in half the time. `entry.ts?source` is the source. CommonJS, as that is preloaded the fastest.

const worker = join(__dirname, '../packages/worker')
const bundled = new Map(
  ['entry', 'connection'].map((name) => [
    pathToFileURL(join(worker, `src/${name}.ts`)).href,
    pathToFileURL(join(worker, `node_modules/.cache/ducksink/${name}.js`)).href,
  ]),
)

if (!isMainThread) {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const url = bundled.get(specifier)
      return url === undefined
        ? nextResolve(specifier, context)
        : { url, format: 'module', shortCircuit: true }
    },
  })
}
