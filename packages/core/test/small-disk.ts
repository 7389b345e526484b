import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A disk of its own, which the test can fill up. */
export interface SmallDisk {
  /** Where a database file goes on it. */
  readonly path: string
  /** Takes all room but so many bytes. */
  fill(leaveBytes: number): void
  /** Gives it back. */
  free(): void
}

/** True where this user may mount one. */
export const hasSmallDisks: boolean = canMount()

/** Makes a disk that is gone when the test is over; engines on it must be closed by then. */
export function smallDisk(bytes: number): SmallDisk {
  const directory = mount(bytes)
  onTestFinished(() => unmount(directory))
  const ballast = join(directory, 'ballast')
  const free = (): void => rmSync(ballast, { force: true })
  return {
    path: join(directory, 'test.duckdb'),
    free,
    fill(leaveBytes) {
      free()
      const { bavail, bsize } = statfsSync(directory)
      writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)))
    },
  }
}

function mount(bytes: number): string {
  const directory = mkdtempSync(join(tmpdir(), 'ducksink-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory], { stdio: 'ignore' })
  } catch (error) {
    rmSync(directory, { recursive: true })
    throw error
  }
  return directory
}

function unmount(directory: string): void {
  execFileSync('umount', [directory])
  rmSync(directory, { recursive: true })
}

function canMount(): boolean {
  try {
    unmount(mount(2 ** 20))
    return true
  } catch {
    return false
  }
}
