/** The URL of a module beside this one, with the ending that this one has: `.ts` in the sources, `.js` built. */
export function siblingModule(importer: string, path: string): URL {
  return new URL(`${path}${importer.slice(importer.lastIndexOf('.'))}`, importer)
}
