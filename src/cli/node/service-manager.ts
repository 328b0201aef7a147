/**
 * Tells systemd how the node is, if systemd has started it: NOTIFY_SOCKET says so. Node has no datagram sockets of the
 * kind it listens on, so `systemd-notify`, which comes with it, is asked to.
 */
import { execFile } from 'node:child_process'

/** It waits until it was heard. */
const NOTIFY_MS = 5000

export class ServiceManager {
  readonly #socket: string | undefined
  readonly #warn: (text: string) => void

  /** @param env NOTIFY_SOCKET is taken out of it, so that nothing that the node starts speaks in its name */
  constructor(env: NodeJS.ProcessEnv, warn: (text: string) => void) {
    this.#socket = env['NOTIFY_SOCKET']
    this.#warn = warn
    delete env['NOTIFY_SOCKET']
  }

  /** The node answers, and does its work. */
  ready(name: string): void {
    this.#notify('--ready', `--status=${name} is ready`)
  }

  /** The node is on its way out, which may take its grace. */
  stopping(): void {
    this.#notify('STOPPING=1', '--status=leaving the cluster')
  }

  #notify(...argv: string[]): void {
    if (!this.#socket) return
    const env = { ...process.env, NOTIFY_SOCKET: this.#socket }
    execFile('systemd-notify', argv, { env, timeout: NOTIFY_MS }, error => {
      if (error === null) return
      this.#warn(
        `systemd was not told (${error.message.trim()}): is systemd-notify on the PATH of the node?`
      )
    })
  }
}
