import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { TargetUnavailableError } from './protocol/errors.ts'

/** The code of an error of the file system, such as `ENOENT`. */
export const codeOf = (error: unknown): string => String((error as NodeJS.ErrnoException | undefined)?.code)

/** True where there was no room for what was to be written: on the disk, or in what of it this user may have. */
export const isNoRoom = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(codeOf(error))

/** What the file system refused a database's path with. */
export function pathError(path: string, cause: unknown): TargetUnavailableError {
  const directory = dirname(path)
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: existsSync(directory)
      ? `no file can be made in ${directory}`
      : `the directory ${directory} does not exist`,
    ENOTDIR: `${directory} is not a directory`,
    EACCES: `no permission to make files in ${directory}`,
    EPERM: `no permission to make files in ${directory}`,
    EROFS: `${directory} is on a read-only file system`,
    ENOSPC: `no space is left in ${directory}`,
    EDQUOT: `the disk quota is used up in ${directory}`,
    ENAMETOOLONG: 'the name is too long',
    ELOOP: 'too many symbolic links',
  }
  const reason = reasons[codeOf(cause)] ?? (cause instanceof Error ? cause.message : String(cause))
  const code = isNoRoom(cause) ? 'TARGET_FULL' : 'TARGET_UNAVAILABLE'
  return new TargetUnavailableError(`cannot open ${path}: ${reason}`, { cause }, code)
}
