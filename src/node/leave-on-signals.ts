/**
 * Ctrl-C in a program that asks for it: its nodes leave in order, and then the signal does what it does in any program.
 *
 * All nodes of a program leave at the first signal, and only when the last of them has left is the signal sent again.
 */
type Leaver = Readonly<{ leave(graceMs?: number): Promise<void>; closed: Promise<unknown> }>
type Log = Readonly<{ warn(message: string): void }>

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const nodes = new Map<Leaver, Log>()
let count = 0

/** Until the node has closed. */
export function leaveOnSignals(node: Leaver, log: Log): void {
  if (nodes.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal)
  nodes.set(node, log)
  void node.closed.then(() => {
    nodes.delete(node)
    if (nodes.size === 0 && count === 0) stopListening()
  })
}

function onSignal(signal: NodeJS.Signals): void {
  count++
  if (count > 2) return endBy(signal)
  const leaving = [...nodes].map(([node, log]) =>
    node
      .leave(count === 1 ? undefined : 0)
      // Such as that tasks stay behind.
      .catch((error: unknown) => log.warn((error as Error).message))
  )
  // The second one only shortens what the first one has begun.
  if (count === 1) void Promise.all(leaving).then(() => endBy(signal))
}

function endBy(signal: NodeJS.Signals): void {
  stopListening()
  count = 0
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
}

function stopListening(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal)
}
