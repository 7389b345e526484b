import { lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pathError } from './file-error.ts'
import { TargetUnavailableError } from './protocol/errors.ts'

/**
 * The one path by which a database file is opened, locked and logged: absolute, with every link resolved.
 *
 * DuckDB puts the write-ahead log beside the name it is given, so a file opened through a link and crashed has its
 * last commits in `link.wal`, and loses them when it is opened by its own name next (seen on 1.5.5).
 *
 * @throws {@link TargetUnavailableError} when its directory is missing or cannot be read.
 */
export function realDatabasePath(databasePath: string): string {
  let path = resolve(databasePath)
  try {
    for (let links = 0; links < 40; links++) {
      path = join(realpathSync.native(dirname(path)), basename(path))
      const stat = lstatSync(path, { throwIfNoEntry: false })
      if (stat === undefined) return path
      if (!stat.isSymbolicLink()) return realpathSync.native(path)
      path = resolve(dirname(path), readlinkSync(path))
    }
  } catch (error) {
    throw pathError(path, error)
  }
  throw new TargetUnavailableError(`${path}: too many symbolic links`)
}
