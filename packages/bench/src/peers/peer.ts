import type { Checksum } from '../checksum.ts'
import type { WriteJob } from '../job.ts'
import type { BatchRange } from '../workload.ts'

/** One who writes batches of a dataset; each peer runs alone in a process of its own. */
export interface Peer {
  /** Makes the rows of these batches ahead, in whatever form this peer takes them, and drops earlier ones; never timed. */
  stage(batches: readonly BatchRange[]): Promise<void> | void
  /** Writes the staged batch of this index in one transaction; settles when it is committed. */
  write(batch: number): Promise<void> | void
  /** Where a peer holds several writes at once: settles when it has room for one more. */
  room?(): Promise<void> | undefined
  /** Reads back what was written, from within. */
  checksum(sql: string): Promise<Checksum> | Checksum
  /** Ends the peer; what was written to a file can be read by others afterwards. */
  close(): Promise<void> | void
  readonly versions: Readonly<Record<string, string>>
}

/** Opens a peer on a new target; of those in Node only ducksink writes other datasets than the workload as it is. */
export type OpenPeer = (job: WriteJob) => Promise<Peer> | Peer
