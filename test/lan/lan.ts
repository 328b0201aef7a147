/**
 * A LAN of three computers inside this one: real interfaces, real multicast, cables that can be pulled.
 *
 * Each computer is a network namespace with one interface, `lan0`. A fourth namespace holds the other ends of the
 * cables and two switches, `hub` and `island`. All cables start in the hub; whoever is cut off is replugged into the
 * island, where the others of the island can be reached and nobody else. Nothing is made in the namespace that the
 * tests run in, so nothing can reach the real network, and `down` has nothing to restore.
 *
 * Names carry the pid of the test process, so that several test processes can have a LAN each. A process started here
 * is killed by the kernel when the test process dies, however it dies; namespaces that such a death leaves behind are
 * empty, and the next `up` removes them.
 */
import {
  execFile,
  spawn,
  spawnSync,
  type ChildProcess,
  type SpawnOptions
} from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

export type Computer = 'a' | 'b' | 'c'

export const computers: readonly Computer[] = ['a', 'b', 'c']

const run = promisify(execFile)
const prefix = 'hearsay-test'
/** How long processes may take to end by themselves in `down`, in ms. */
const endTimeoutMs = 3000

let lansMade = 0

/** Why there can be no LAN here, in words for a skipped test; null if there can. */
export function lanUnavailable(): string | null {
  if (process.getuid?.() !== 0) return 'a LAN of namespaces needs root'
  const probe = `${prefix}-${process.pid}-probe`
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' })
  if (made.error) return 'a LAN of namespaces needs `ip` (package iproute2)'
  if (made.status !== 0) return `this system allows no network namespaces: ${made.stderr.trim()}`
  const link = spawnSync('ip', ['-n', probe, 'link', 'add', 'x', 'type', 'veth'], {
    encoding: 'utf8'
  })
  spawnSync('ip', ['netns', 'del', probe])
  if (link.status !== 0) return `this system allows no virtual cables: ${link.stderr.trim()}`
  return null
}

/** Why no packets can be lost here; null if they can. */
export function lossUnavailable(): string | null {
  const found = spawnSync('nft', ['--version']).status === 0
  return found ? null : 'losing packets needs `nft` (package nftables)'
}

async function ip(...args: string[]): Promise<string> {
  return (await run('ip', args)).stdout
}

export class Lan {
  readonly #name: string

  private constructor(name: string) {
    this.#name = name
  }

  /** Makes a LAN. All three computers are connected, and can hear each other's multicast. */
  static async up(): Promise<Lan> {
    await removeLeftovers()
    const lan = new Lan(`${prefix}-${process.pid}-${++lansMade}`)
    try {
      await lan.#make()
    } catch (error) {
      await lan.down()
      throw error
    }
    return lan
  }

  /** The computer's IPv4 address on the LAN. */
  address(computer: Computer): string {
    return `10.77.0.${computers.indexOf(computer) + 1}`
  }

  /** Starts a process on a computer. It dies with the test process. */
  spawn(
    computer: Computer,
    command: string,
    args: readonly string[],
    options: SpawnOptions = {}
  ): ChildProcess {
    // `ip` and `setpriv` become the command, so that pid and signals are those of the command.
    const dieWithParent = ['setpriv', '--pdeathsig', 'KILL', '--']
    const inComputer = ['netns', 'exec', this.#namespace(computer), ...dieWithParent]
    return spawn('ip', [...inComputer, command, ...args], options)
  }

  /** Runs a command on a computer; rejects if it fails. */
  async exec(computer: Computer, command: string, ...args: string[]): Promise<string> {
    return ip('netns', 'exec', this.#namespace(computer), command, ...args)
  }

  /** Pids of all processes on a computer. */
  async pids(computer: Computer): Promise<number[]> {
    return pidsIn(this.#namespace(computer))
  }

  /** Puts these computers on a side of their own. Their links stay up: nobody is told. */
  async cut(...cutOff: Computer[]): Promise<void> {
    for (const computer of cutOff) await this.#plugInto('island', computer)
  }

  /** Everybody is in one LAN again, all cables plugged in. */
  async heal(): Promise<void> {
    for (const computer of computers) {
      await this.#plugInto('hub', computer)
      await this.#wires('link', 'set', `to-${computer}`, 'up')
    }
  }

  /** Gives a computer another address in place of its own, as a router's new lease does; null: its own again. */
  async move(computer: Computer, address: string | null): Promise<void> {
    const namespace = this.#namespace(computer)
    await ip('-n', namespace, 'addr', 'flush', 'dev', 'lan0')
    const to = `${address ?? this.address(computer)}/24`
    await ip('-n', namespace, 'addr', 'add', to, 'dev', 'lan0')
    // Gone with the last address.
    await ip('-n', namespace, 'route', 'replace', '224.0.0.0/4', 'dev', 'lan0')
  }

  /** Gives a computer an address beside its own. */
  async addAddress(computer: Computer, address: string): Promise<void> {
    await ip('-n', this.#namespace(computer), 'addr', 'add', `${address}/24`, 'dev', 'lan0')
  }

  /** Pulls the cable out of a computer, which sees its link go down. */
  async unplug(computer: Computer): Promise<void> {
    await this.#wires('link', 'set', `to-${computer}`, 'down')
  }

  /** Loses this percentage of the packets to and from a computer, at random. 0: none. */
  async loss(computer: Computer, percent: number): Promise<void> {
    const ends = [
      { namespace: this.#namespace('wires'), device: `to-${computer}` },
      { namespace: this.#namespace(computer), device: 'lan0' }
    ]
    for (const { namespace, device } of ends) {
      const table = `loss-${device}`
      const chain = `type filter hook ingress device "${device}" priority 0;`
      const drop = `numgen random mod 1000 0-${Math.round(percent * 10) - 1} drop`
      // Named once before it is deleted, so that deleting works whether or not it was there.
      const clear = `table netdev ${table}\ndelete table netdev ${table}\n`
      const set = `table netdev ${table} {\nchain arrivals {\n${chain}\n${drop}\n}\n}\n`
      const script = percent > 0 ? clear + set : clear
      const nft = run('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'])
      nft.child.stdin?.end(script)
      await nft
    }
  }

  /** Loses this percentage of the packets from any computer to any other: some at its cable, some at the other's. */
  async lossBetween(percent: number): Promise<void> {
    const perCable = 100 * (1 - Math.sqrt(1 - percent / 100))
    await Promise.all(computers.map(computer => this.loss(computer, perCable)))
  }

  /** Ends all processes on the LAN and removes it. */
  async down(): Promise<void> {
    const namespaces = [...computers, 'wires'].map(place => this.#namespace(place))
    const existing = await namespacesHere()
    for (const namespace of namespaces.filter(name => existing.includes(name))) {
      await endProcessesIn(namespace)
      await ip('netns', 'del', namespace)
    }
  }

  async #make(): Promise<void> {
    await ip('netns', 'add', this.#namespace('wires'))
    for (const side of ['hub', 'island']) {
      // Without spanning tree and snooping a port forwards at once, multicast to everybody.
      const plain = ['stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0']
      await this.#wires('link', 'add', side, 'type', 'bridge', ...plain)
      await this.#wires('link', 'set', side, 'up')
    }
    for (const computer of computers) await this.#addComputer(computer)
    await this.heal()
  }

  async #addComputer(computer: Computer): Promise<void> {
    const namespace = this.#namespace(computer)
    await ip('netns', 'add', namespace)
    const noIpv6 = 'net.ipv6.conf.all.disable_ipv6=1'
    // Where the kernel has no IPv6 there is nothing to switch off.
    await this.exec(computer, 'sysctl', '-q', '-e', '-w', noIpv6)
    const peer = ['peer', 'name', 'lan0', 'netns', namespace]
    await this.#wires('link', 'add', `to-${computer}`, 'type', 'veth', ...peer)
    await ip('-n', namespace, 'link', 'set', 'lo', 'up')
    await ip('-n', namespace, 'addr', 'add', `${this.address(computer)}/24`, 'dev', 'lan0')
    await ip('-n', namespace, 'link', 'set', 'lan0', 'up')
    await ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', 'lan0')
  }

  #namespace(place: Computer | 'wires' | (string & {})): string {
    return `${this.#name}-${place}`
  }

  async #wires(...args: string[]): Promise<void> {
    await ip('-n', this.#namespace('wires'), ...args)
  }

  async #plugInto(side: 'hub' | 'island', computer: Computer): Promise<void> {
    await this.#wires('link', 'set', `to-${computer}`, 'master', side)
  }
}

async function namespacesHere(): Promise<string[]> {
  const names = (await ip('netns', 'list')).split('\n').map(line => line.split(' ')[0] ?? '')
  return names.filter(name => name.startsWith(`${prefix}-`))
}

async function pidsIn(namespace: string): Promise<number[]> {
  return (await ip('netns', 'pids', namespace)).split('\n').filter(Boolean).map(Number)
}

/** Asks the processes of a namespace, which are all ours, to end; then ends them. */
async function endProcessesIn(namespace: string): Promise<void> {
  const killAt = performance.now() + endTimeoutMs
  for (let first = true; ; first = false) {
    const pids = await pidsIn(namespace)
    if (pids.length === 0) return
    const late = performance.now() > killAt
    if (first || late) for (const pid of pids) signal(pid, late ? 'SIGKILL' : 'SIGTERM')
    await sleep(20)
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Removes empty namespaces of test processes that no longer live. */
async function removeLeftovers(): Promise<void> {
  for (const namespace of await namespacesHere()) {
    const maker = Number(namespace.slice(prefix.length + 1).split('-')[0])
    if (isAlive(maker)) continue
    try {
      if ((await pidsIn(namespace)).length === 0) await ip('netns', 'del', namespace)
    } catch (error) {
      // Another test process may be removing it, too.
      if ((await namespacesHere()).includes(namespace)) throw error
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
