/**
 * What mdns.test.ts runs in a network of its own, one scenario per process, so that nothing of it is heard outside:
 * `node mdns-scenario.ts NAME`. Prints one line of JSON; fails by its exit code.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import multicastDNS from 'multicast-dns'
import { serviceTag, servicesTag } from '../../../src/net/protocol.ts'
import { until } from '../../support/until.ts'
import { closeAll, heartbeat, open, type Member } from '../cluster.ts'

const only = '127.0.0.1'
const listen = ['/ip4/0.0.0.0/tcp/0']
const tag = serviceTag('test', '0123abcd')

async function member(options: Parameters<typeof open>[0] = {}): Promise<Member> {
  return open({ mdns: { interface: only }, listen, ...options })
}

async function six(): Promise<Member[]> {
  return Promise.all(Array.from({ length: 6 }, () => member()))
}

async function linked(members: readonly Member[], timeoutMs = 10_000): Promise<number> {
  const from = performance.now()
  await until(
    () =>
      members.every(one =>
        members.every(other => one === other || one.receiver.isLinked(other.transport.id))
      ),
    'links between all',
    timeoutMs
  )
  return Math.round(performance.now() - from)
}

const scenarios: Record<string, () => Promise<object>> = {
  async discovery() {
    const from = performance.now()
    const members = await six()
    await linked(members)
    const linkedMs = Math.round(performance.now() - from)
    const own = members.flatMap(({ receiver }) => receiver.own)
    const newcomer = await member()
    const newcomerMs = await linked([...members, newcomer])
    return { linkedMs, newcomerMs, own, hopMs: await hop(members) }
  },

  async restart() {
    const members = await six()
    await linked(members)
    const leaver = members.pop()
    if (leaver === undefined) throw new Error('there are six')
    await leaver.transport.stop()
    await until(
      () => members.every(({ receiver }) => !receiver.isLinked(leaver.transport.id)),
      'the links to go'
    )
    const back = await member({ privateKey: leaver.privateKey })
    const backMs = await linked([...members, back])
    const links = members.map(({ receiver }) =>
      receiver.links.filter(({ peer }) => peer === back.transport.id).map(({ up }) => up)
    )
    return { backMs, links, moved: back.receiver.own[0] !== leaver.receiver.own[0] }
  },

  async heal() {
    const members = await Promise.all([member(), member(), member()])
    await linked(members)
    execFileSync('ip', ['link', 'set', 'lo', 'down'])
    const from = performance.now()
    await until(
      () => members.every(({ receiver }) => receiver.links.at(-1)?.up === false),
      'the cut to be noticed',
      25_000
    )
    const noticedMs = Math.round(performance.now() - from)
    execFileSync('ip', ['link', 'set', 'lo', 'up'])
    const healedMs = await linked(members)
    return { noticedMs, healedMs }
  },

  async namesake() {
    const a = await member()
    const b = await member({ psk: new Uint8Array(32).fill(9), fingerprint: 'fefefefe' })
    const warned = ({ lines }: Member): boolean =>
      lines.some(line => line.startsWith('warn') && line.includes('with another key'))
    await until(() => warned(a) && warned(b), 'both to say so')
    const c = await member({
      cluster: 'other',
      psk: new Uint8Array(32).fill(5),
      fingerprint: 'abababab'
    })
    const told = ({ lines }: Member, other: string): string[] =>
      lines.filter(line => line.startsWith('info') && line.includes(`called "${other}" is heard`))
    const isTold = (): boolean =>
      [told(a, 'other'), told(b, 'other'), told(c, 'test')].every(lines => lines.length > 0)
    await until(isTold, 'all to tell of the cluster of another name')
    const most = Math.max(...[told(a, 'other'), told(c, 'test')].map(lines => lines.length))
    return { links: [a, b, c].flatMap(({ receiver }) => receiver.links), most }
  },

  async flooded() {
    return duringFlood(1)
  },

  async floodedByMany() {
    return duringFlood(200)
  },

  async questions() {
    const a = await member()
    const socket = multicastDNS({ interface: only, bind: '0.0.0.0' })
    const counts = { asked: 0, answered: 0 }
    socket.on('response', ({ answers = [] }) => {
      if (answers.some(({ name }) => name === tag)) counts.answered++
    })
    await until(
      () => counts.answered > 0 || socket.query([{ name: tag, type: 'PTR' }]),
      'an answer'
    )
    const from = performance.now()
    await until(
      () => {
        for (let i = 0; i < 20; i++, counts.asked++) socket.query([{ name: tag, type: 'PTR' }])
        return counts.asked >= 2000
      },
      'all questions to be asked',
      60_000
    )
    const seconds = (performance.now() - from) / 1000
    const before = counts.answered
    await until(() => counts.answered > before, 'the answer that is owed to the last question')
    socket.destroy()
    return { perSecond: before / Math.max(1, seconds), warned: a.lines.filter(isUnusable) }
  },

  async garbage() {
    const a = await member()
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => socket.bind(0, resolve))
    socket.setMulticastInterface(only)
    // A name that points to itself, and one that ends too soon.
    const header = Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    const cut = Buffer.concat([header, Buffer.from([9]), Buffer.from('_hearsay-')])
    for (let i = 0; i < 50; i++) {
      socket.send(Buffer.concat([cut, Buffer.from([0xc0, 12, 0, 12])]), 5353, '224.0.0.251')
      socket.send(cut, 5353, '224.0.0.251')
      socket.send(Buffer.concat([cut, Buffer.alloc(20_000)]), 5353, '224.0.0.251')
    }
    await until(
      () => a.lines.some(line => line.includes('too many or malformed')),
      'the garbage to be told',
      60_000
    )
    socket.close()
    const b = await member()
    await linked([a, b])
    return { warned: a.lines.filter(isUnusable) }
  },

  async known() {
    const a = await member()
    const socket = multicastDNS({ interface: only, bind: '0.0.0.0' })
    const heard: string[] = []
    socket.on('response', ({ answers = [] }) => {
      for (const answer of answers) {
        if (answer.type === 'PTR') heard.push(answer.name === tag ? answer.data : answer.name)
      }
    })
    const ask = (named: readonly string[]): void => {
      const answers = named.map(data => ({ name: tag, type: 'PTR' as const, data }))
      socket.query({ questions: [{ name: tag, type: 'PTR' }], answers })
    }
    ask([])
    await until(() => heard.length > 0, 'an answer')
    const own = heard[0]!
    ask([own])
    ask(['somebody-else'])
    socket.query([{ name: servicesTag, type: 'PTR' }])
    await until(() => heard.includes(servicesTag), 'the last answer')
    const named: string[][] = []
    socket.on('query', ({ answers = [] }) => {
      named.push(answers.flatMap(answer => (answer.type === 'PTR' ? answer.data : [])))
    })
    const b = await member()
    await linked([a, b])
    await until(() => named.some(names => new Set(names).size === 2), 'a question that names both')
    socket.destroy()
    return { answers: heard.slice(0, heard.indexOf(servicesTag)).map(name => name === own) }
  },

  async nonsense() {
    const a = await member()
    const socket = multicastDNS({ interface: only, bind: '0.0.0.0' })
    const announce = (data: string[]): void =>
      socket.respond([
        { name: tag, type: 'PTR', data: `x.${tag}` },
        ...data.map(text => ({ name: `x.${tag}`, type: 'TXT' as const, data: text }))
      ])
    announce(['dnsaddr=nonsense'])
    announce(['dnsaddr=/ip4/127.0.0.1/tcp/1'])
    announce([])
    announce(['dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/not-an-id'])
    announce([`dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/${a.transport.id}`])
    await until(() => a.lines.some(line => line.includes('announces the identity')), 'a warning')
    const b = await member()
    await linked([a, b])
    socket.destroy()
    return { peers: a.transport.peers().map(({ id }) => id), expected: [b.transport.id] }
  }
}

const isUnusable = (line: string): boolean => line.includes('mDNS does not work')

/** Members that are linked, and a newcomer, while this many senders announce peers that do not exist. */
async function duringFlood(senders: number): Promise<object> {
  const members = await Promise.all([member(), member(), member()])
  await linked(members)
  const script = fileURLToPath(new URL('./mdns-flood.ts', import.meta.url))
  const child = spawn(process.execPath, [script, tag, String(senders)], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  const warned = (): boolean =>
    members.every(({ lines }) => lines.some(line => line.includes('forged or foreign')))
  await until(() => said.includes('floods'), 'the flood', 60_000)
  await until(warned, 'all members to be flooded, and to say so', 120_000)
  const newcomer = await member()
  const newcomerMs = await linked([...members, newcomer], 120_000)
  const known = [...members, newcomer].map(({ transport }) => transport.peers().length)
  child.stdin.end()
  await once(child, 'exit')
  const { openMost } = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { openMost: number }
  return { newcomerMs, known, openMost }
}

/** Median time of a publication from one member to all others. */
async function hop(members: readonly Member[]): Promise<number> {
  const [author, ...others] = members
  if (author === undefined) throw new Error('there is an author')
  const takenMs: number[] = []
  for (let at = 1; at <= 60; at++) {
    const from = performance.now()
    const left = new Set(others)
    const heard = Promise.withResolvers<void>()
    for (const other of others) {
      other.receiver.message = (_peer, message) => {
        if (message.kind !== 'heartbeat' || message.at !== at) return
        takenMs.push(performance.now() - from)
        if (left.delete(other) && left.size === 0) heard.resolve()
      }
    }
    author.transport.publish(heartbeat(author.transport.id, at))
    await Promise.race([heard.promise, new Promise(resolve => setTimeout(resolve, 500))])
  }
  takenMs.sort((a, b) => a - b)
  return Number(takenMs[takenMs.length >> 1]?.toFixed(1))
}

const scenario = scenarios[process.argv[2] ?? '']
if (scenario === undefined) throw new Error(`no scenario is called ${process.argv[2]}`)
const result = await scenario()
await closeAll()
console.log(JSON.stringify(result))
