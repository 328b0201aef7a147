/**
 * The entry of the process that starts the node's commands, so that they get stdin, stdout and stderr and nothing else.
 *
 * LevelDB opens its files in a way that every program which the node starts has them open, too, and could write to
 * them: tasks that were accepted would be gone. Only the process that starts a program can take them away from it. So
 * this process, which is the node's child and was given them as well, closes them first of all, and starts whatever the
 * node asks for.
 *
 * It is also quicker: to start a program the system copies the tables of the memory of the process that starts it.
 * Measured with `true`, until it has ended: from a process with 50 MB 2.2 ms, all of it in its loop, from one with 200
 * MB 12 ms, from here 2.0 ms, of which the node's loop sees 0.02. A shell in between that closes what it finds adds 2
 * ms and cannot say why a program does not start (and dash can close 3 to 9 only); a Node for each command takes 70 ms.
 *
 * When the node has gone in whatever way, it ends the commands that are left, and itself.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { closeSync, fstatSync, readdirSync, readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { ProcessGroup } from './process-group.ts'
import type { CommandStream, FromStarter, ToStarter } from './starter-messages.ts'

type Child = ChildProcessByStdio<Writable, Readable, Readable>

const FIRST_OTHER_DESCRIPTOR = 3
/** Descriptors looked at where the system does not say which are open. Guess: the usual bound of a process. */
const DESCRIPTORS_MAX = 1024
/** `O_CLOEXEC` of Linux: closed in whatever is started. */
const CLOSED_ON_START = 0o2000000
/** Between asking commands to end that nobody waits for any more, and ending them. */
const ORPHANS_GRACE_MS = 2000

const children = new Map<number, Child>()

closeInherited()
process.on('message', (message: ToStarter) => {
  if (message.kind === 'start') return start(message)
  const child = children.get(message.number)
  if (message.kind === 'more') return void child?.[message.stream].resume()
  children.delete(message.number)
  child?.stdout.destroy()
  child?.stderr.destroy()
})
process.on('disconnect', () => void endOrphans())

function tell(message: FromStarter): void {
  // The node may have gone.
  if (process.connected) process.send!(message, () => {})
}

function start({ number, command }: Extract<ToStarter, { kind: 'start' }>): void {
  const { file, args, cwd, env, stdin } = command
  const fail = ({ message: why }: Error): void => tell({ kind: 'failed', number, why })
  let child: Child
  try {
    // Leader of a new group.
    child = spawn(file, args, { detached: true, env, ...(cwd === null ? {} : { cwd }) })
  } catch (error) {
    return fail(error as Error)
  }
  if (child.pid === undefined) return void child.once('error', fail)
  children.set(number, child)
  tell({ kind: 'started', number, pid: child.pid })
  child.once('exit', (exitCode, signal) => {
    tell({ kind: 'exited', number, ending: { exitCode, signal } })
  })
  // It may end before it has read all, or any of it.
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  hear(number, 'stdout', child.stdout)
  hear(number, 'stderr', child.stderr)
}

/** One piece at a time: what is not asked for waits in the pipe, and the command with it. */
function hear(number: number, name: CommandStream, stream: Readable): void {
  stream.on('data', (bytes: Buffer) => {
    stream.pause()
    tell({ kind: 'output', number, stream: name, bytes })
  })
  stream.on('error', () => {})
  stream.once('close', () => tell({ kind: 'closed', number, stream: name }))
}

async function endOrphans(): Promise<void> {
  const groups = [...children.values()].map(({ pid }) => new ProcessGroup(pid!))
  await Promise.all(groups.map(group => group.end(ORPHANS_GRACE_MS)))
  process.exit()
}

/** This process has opened no file yet. Its own pipes and the like are closed in what it starts. */
function closeInherited(): void {
  for (const descriptor of descriptors()) {
    if (descriptor >= FIRST_OTHER_DESCRIPTOR && isInherited(descriptor)) closeSync(descriptor)
  }
}

function descriptors(): number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number)
  } catch {
    return Array.from({ length: DESCRIPTORS_MAX }, (_, descriptor) => descriptor)
  }
}

function isInherited(descriptor: number): boolean {
  try {
    if (fstatSync(descriptor).isFile()) return true
    const about = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')
    const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(about)![1]!, 8)
    return (flags & CLOSED_ON_START) === 0
  } catch {
    // It is closed, or there is no way to tell how it was opened.
    return false
  }
}
