/**
 * What the node and the process that starts its commands say to each other (starter.ts). Both are this program, of one
 * version, and no command has the line between them.
 */
import type { Command } from './command.ts'

/** Streams of a command that are read. */
export type CommandStream = 'stdout' | 'stderr'

/** `number` is that of the command, given by the node. */
export type ToStarter =
  | Readonly<{ kind: 'start'; number: number; command: Command }>
  /** The next piece of a stream may come. The first one of each comes unasked. */
  | Readonly<{ kind: 'more'; number: number; stream: CommandStream }>
  /** Nothing of it is read any more, and its group has ended. */
  | Readonly<{ kind: 'over'; number: number }>

export type FromStarter =
  /** `pid` is also the number of its process group. */
  | Readonly<{ kind: 'started'; number: number; pid: number }>
  | Readonly<{ kind: 'failed'; number: number; why: string }>
  | Readonly<{ kind: 'output'; number: number; stream: CommandStream; bytes: Uint8Array }>
  | Readonly<{ kind: 'closed'; number: number; stream: CommandStream }>
  | Readonly<{ kind: 'exited'; number: number; ending: Ending }>

/** How a program ended: one of the two is null. */
export type Ending = Readonly<{ exitCode: number | null; signal: string | null }>
