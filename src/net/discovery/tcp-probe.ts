/** Whether a process answers at a port. Knows nothing of what is behind it, and loads nothing. */
import { connect } from 'node:net'
import { probeTimeoutMs } from '../protocol.ts'

/** `silent`: nothing came back in time, or the packets could not even be sent. */
export type Answer = 'refused' | 'answered' | 'silent'

export function probeTcp(host: string, port: number): Promise<Answer> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: probeTimeoutMs })
    const end = (answer: Answer): void => {
      resolve(answer)
      socket.destroy()
    }
    socket.on('connect', () => end('answered'))
    socket.on('timeout', () => end('silent'))
    socket.on('error', error => {
      end('code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'silent')
    })
  })
}
