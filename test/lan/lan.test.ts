/** The LAN itself, without any hearsay on it: a cluster test is worth as much as the network it runs on. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { computers, Lan, lanUnavailable, lossUnavailable, type Computer } from './lan.ts'

const unavailable = lanUnavailable()
if (unavailable) console.warn(`LAN tests are skipped: ${unavailable}`)
const noLoss = unavailable ?? lossUnavailable()
if (noLoss && noLoss !== unavailable) console.warn(`a LAN test is skipped: ${noLoss}`)

/** Sends one datagram a beat to a multicast group and prints the addresses it hears on it. */
const chatter = `
  const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true })
  socket.on('message', (_, from) => console.log(from.address))
  socket.bind(5454, () => {
    socket.addMembership('224.0.0.77', process.argv[1])
    socket.setMulticastInterface(process.argv[1])
    setInterval(() => socket.send('here', 5454, '224.0.0.77'), 20)
  })`

describe.skipIf(unavailable !== null)('a LAN of three computers', () => {
  let lan: Lan
  const heard = new Map<Computer, Set<string>>()

  const hears = async (listener: Computer, speaker: Computer): Promise<void> => {
    heard.get(listener)?.clear()
    await until(
      () => heard.get(listener)?.has(lan.address(speaker)),
      `${listener} to hear ${speaker}`
    )
  }
  /** Waits until something else that was sent at the same time has arrived, rather than for a while. */
  const isDeafTo = async (
    listener: Computer,
    speaker: Computer,
    other: Computer
  ): Promise<void> => {
    await hears(listener, other)
    await hears(listener, other)
    expect([...(heard.get(listener) ?? [])]).not.toContain(lan.address(speaker))
  }

  beforeAll(async () => {
    lan = await Lan.up()
    for (const computer of computers) {
      const addresses = new Set<string>()
      heard.set(computer, addresses)
      const talker = lan.spawn(computer, process.execPath, ['-e', chatter, lan.address(computer)], {
        stdio: ['ignore', 'pipe', 'inherit']
      })
      talker.stdout?.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.split('\n').filter(Boolean)) addresses.add(line)
      })
    }
  })

  afterAll(async () => {
    await lan?.down()
  })

  test('everybody hears everybody by multicast, itself included', async () => {
    for (const listener of computers)
      for (const speaker of computers) await hears(listener, speaker)
  })

  test('who is cut off hears the others of its side, and nobody else', async () => {
    await lan.cut('b', 'c')
    await isDeafTo('b', 'a', 'c')
    await lan.heal()
    await hears('b', 'a')
  })

  test('an unplugged computer sees its link go down, and come back', async () => {
    await lan.unplug('c')
    await until(
      async () => (await lan.exec('c', 'ip', '-o', 'link', 'show', 'lan0')).includes('NO-CARRIER'),
      'the link of c to go down'
    )
    await isDeafTo('a', 'c', 'b')
    await lan.heal()
    await hears('a', 'c')
  })

  test.skipIf(noLoss !== null)('packets to and from a computer can be lost', async () => {
    await lan.loss('b', 100)
    await isDeafTo('a', 'b', 'c')
    await lan.loss('b', 40)
    await hears('a', 'b')
    await lan.loss('b', 0)
    await hears('b', 'a')
  })

  test('a computer that does not exist is an error', async () => {
    await expect(lan.exec('z' as Computer, 'true')).rejects.toThrow('z')
  })

  test('taking the LAN down ends what runs on it, and leaves no trace', async () => {
    const other = await Lan.up()
    const stubborn = other.spawn(
      'a',
      'sh',
      ['-c', 'trap "" TERM; echo up; while :; do sleep 0.1; done'],
      {
        stdio: ['ignore', 'pipe', 'ignore']
      }
    )
    if (stubborn.stdout) await once(stubborn.stdout, 'data')
    const ended = once(stubborn, 'exit')
    expect(await other.pids('a')).toContain(stubborn.pid)
    await other.down()
    expect(await ended).toEqual([null, 'SIGKILL'])
    await expect(other.exec('a', 'true')).rejects.toThrow('No such file')
    await hears('a', 'b')
  })
})
