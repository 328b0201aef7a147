/**
 * A whole cluster in one thread and virtual time. One seed gives one history: what a seed found, it finds again.
 *
 * A run has two parts. While it is busy, tasks are submitted, nodes join and leave, and the network does its worst. Then it
 * calms down, and has to come to rest: everything settled, all replicas equal.
 */
import { bootId, type BootId, type NodeId, type TaskId } from '../core/base/ids.ts'
import type { Effect, Run } from '../core/effect.ts'
import type { Input, RunResult } from '../core/input.ts'
import type { Replica } from '../core/log/replica.ts'
import type { Heartbeat, Message } from '../core/message.ts'
import { Agenda } from './agenda.ts'
import { checkAborts } from './abort-checker.ts'
import { checkBlobs, checkBlobsAtRest } from './blob-checker.ts'
import { Disk } from './disk.ts'
import { Checkers } from './checkers.ts'
import { ClockChecker } from './clock-checker.ts'
import { draftOf, labelsOf } from './drafts.ts'
import { simulatedKeyedId } from './keys.ts'
import { IdleChecker } from './idle-checker.ts'
import { isAlone } from './look.ts'
import { LonelyChecker } from './lonely-checker.ts'
import { lieOf } from './lies.ts'
import { Network } from './network.ts'
import { checkOptions } from './option-checker.ts'
import { Random } from './random.ts'
import { ReclaimChecker } from './reclaim-checker.ts'
import { loadInto, savedBy } from './saved.ts'
import { SCENARIO_DEFAULTS, type Scenario } from './scenario.ts'
import { EPOCH_MS, SimNode, type Witness } from './sim-node.ts'
import { Transcript } from './transcript.ts'
import { Versions } from './versions.ts'
import { Violation } from './violation.ts'

/** What came of one seed. */
export type Report = Readonly<{
  seed: number
  /** Null if all invariants held. */
  violation: Violation | null
  transcript: readonly string[]
  steps: number
  /** Tasks whose submission was acknowledged. */
  accepted: number
  /** How many tasks were told to have settled. */
  settled: number
}>

/** Time to come to rest, in virtual ms: a dependency that nobody knows is given up after 60 s. */
const CALM_MS = 90_000
/** A crashed node is back within this. */
const RESTART_MS_MAX = 2000
/** How far a wrong clock is off: further than anybody adopts. */
const WRONG_MS = 3_600_000
const CHECK_REST_MS = 1000
const CHECK_IDLE_MS = 100

/** Runs one seed. Throws nothing: whatever goes wrong is in the report. */
export function simulate(seed: number, scenario: Partial<Scenario> = {}): Report {
  return new Simulation(seed, { ...SCENARIO_DEFAULTS, ...scenario }).run()
}

class Simulation implements Witness {
  readonly #seed: number
  readonly #scenario: Scenario
  readonly #agenda = new Agenda()
  readonly #random: Random
  readonly #network: Network
  readonly #nodes: SimNode[] = []
  readonly #checkers: Checkers
  readonly #idle: IdleChecker
  readonly #clocks: ClockChecker | null
  readonly #lonely: LonelyChecker
  readonly #transcript = new Transcript(this.#agenda)
  readonly #submitted: string[] = []
  readonly #versions: Versions
  /** Nodes of the older version that have been upgraded. */
  readonly #upgraded = new Set<number>()
  /** Tasks whose runs ended at a node that could not reach any other. */
  readonly #ranAlone = new Set<TaskId>()
  #steps = 0

  constructor(seed: number, scenario: Scenario) {
    this.#seed = seed
    this.#scenario = scenario
    this.#random = new Random(seed)
    this.#versions = new Versions(scenario.unreadable)
    this.#network = new Network(this.#agenda, this.#random, scenario.network)
    this.#checkers = new Checkers(
      this.#nodes,
      new ReclaimChecker(this.#nodes, this.#network, scenario),
      scenario.retentionMs < CALM_MS
    )
    this.#idle = new IdleChecker(this.#nodes, this.#network, scenario)
    this.#lonely = new LonelyChecker(this.#nodes, scenario)
    this.#clocks = ClockChecker.fits(scenario) ? new ClockChecker(this.#agenda) : null
  }

  run(): Report {
    let violation: Violation | null = null
    try {
      this.#plan()
      this.#until(this.#scenario.busyMs)
      this.#network.calm()
      this.#network.heal()
      this.#comeToRest()
    } catch (error) {
      violation =
        error instanceof Violation ? error : new Violation(0, String((error as Error).stack))
      this.#transcript.add(violation.message)
    }
    return {
      seed: this.#seed,
      violation,
      transcript: this.#transcript.lines,
      steps: this.#steps,
      accepted: new Set(this.#submitted).size,
      settled: this.#checkers.settled
    }
  }

  stepped(node: SimNode, input: Input, effects: readonly Effect[]): void {
    this.#steps++
    this.#transcript.step(node, input, effects)
    for (const effect of effects)
      if (effect.kind === 'accepted') this.#submitted.push(effect.taskId)
    this.#checkers.stepped(node, input, effects)
    checkBlobs(node, this.#nodes, effects, this.#ranAlone)
    checkOptions(node, effects)
    this.#clocks?.check(node, effects)
    this.#lonely.check(node, effects)
    checkAborts(node, effects)
    if (effects.some(({ kind }) => kind === 'give-way')) {
      throw new Violation(0, `${node.options.name} gives way, and nobody is in its place`)
    }
  }

  isAlive(boot: BootId): boolean {
    return this.#checkers.isAlive(boot)
  }

  ran(node: SimNode, run: Run, result: RunResult): void {
    if (isAlone(node)) this.#ranAlone.add(run.taskId)
    this.#checkers.ran(node, run, result)
  }

  #comeToRest(): void {
    // While a node is away, what only it can run need not have settled: that is no rest.
    const calmAt = this.#scenario.busyMs + RESTART_MS_MAX
    for (let at = calmAt; ; at += CHECK_REST_MS) {
      this.#until(at)
      try {
        this.#checkers.final()
        if (this.#scenario.disksLost === 0) {
          checkBlobsAtRest(this.#nodes, this.#checkers.hasLoss)
        }
        return
      } catch (violation) {
        if (at >= calmAt + CALM_MS + 2 * this.#scenario.skewMsMax) throw violation
      }
    }
  }

  #until(ms: number): void {
    while (this.#agenda.runNext(ms));
  }

  #plan(): void {
    const { nodes, tasks, late, leaving, crashes, crashAll, disksLost, busyMs } = this.#scenario
    for (let i = 0; i < nodes; i++) {
      const at = i < late ? this.#random.whole(0, busyMs) : 0
      this.#agenda.after(at, () => this.#addNode(i, `n${i}`, new Disk()))
    }
    for (let i = 0; i < tasks; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#submit(i))
    }
    for (let i = 0; i < this.#scenario.cancels; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#cancel())
    }
    for (let i = 0; i < leaving; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#leave())
    }
    for (let i = 0; i < crashes; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#crash(i < disksLost))
    }
    if (crashAll) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => {
        for (const node of this.#alive()) this.#crashNode(node, false)
      })
    }
    for (let i = 0; i < this.#scenario.partitions; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#cut())
    }
    for (let i = 0; i < this.#scenario.pauses; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#pause())
    }
    for (let i = 0; i < this.#scenario.lies; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#lie())
    }
    for (let i = 0; i < this.#scenario.loads; i++) {
      this.#agenda.after(this.#random.whole(0, busyMs), () => this.#save())
    }
    for (let i = 0; i < this.#scenario.older; i++) {
      this.#agenda.after(this.#random.whole(busyMs / 2, busyMs), () => this.#upgrade(i))
    }
    this.#checkIdle()
  }

  /** It stops at once, and starts as the newer version, unless it has left. */
  #upgrade(i: number): void {
    this.#upgraded.add(i)
    const node = this.#alive().find(({ options }) => options.name === `sim/${i}`)
    this.#transcript.add(`sim/${i} UPGRADE`)
    if (node !== undefined) this.#crashNode(node, false)
  }

  #alive(): SimNode[] {
    return this.#nodes.filter(({ gone }) => !gone)
  }

  /** A node that is leaving takes no submissions: the shell refuses them. */
  #open(): SimNode[] {
    return this.#alive().filter(({ core }) => !core.view.self().draining)
  }

  #cut(): void {
    const island = new Set(this.#nodes.map(({ id }) => id).filter(() => this.#random.chance(0.5)))
    this.#network.cut(island)
    this.#checkers.cut()
    this.#transcript.add(`CUT ${[...island].join(' ')}`)
  }

  #pause(): void {
    const there = this.#alive()
    if (there.length === 0) return
    const node = this.#random.pick(there)
    node.pause(this.#random.whole(0, 3 * this.#scenario.unreachableMs))
    this.#checkers.cut()
    this.#transcript.add(`${node.id} PAUSE`)
  }

  /** Saves the state of a node, to be loaded at two moments later, each time by whoever is there. */
  #save(): void {
    const alive = this.#alive()
    if (alive.length === 0) return
    const node = this.#random.pick(alive)
    const saved = savedBy(node)
    this.#transcript.add(`${node.id} SAVE`)
    for (let n = 0; n < 2; n++) {
      this.#agenda.after(this.#random.whole(0, this.#scenario.busyMs), () => this.#load(saved))
    }
  }

  #load(saved: Replica): void {
    const open = this.#open()
    if (open.length === 0) return
    const node = this.#random.pick(open)
    this.#transcript.add(`${node.id} LOAD`)
    loadInto(node, saved)
  }

  /** Somebody tells one who can hear it what is not so of a third, who lives. */
  #lie(): void {
    const alive = this.#alive()
    if (alive.length < 3) return
    const [liar, victim, to] = [0, 1, 2].map(() => {
      return alive.splice(this.#random.whole(0, alive.length - 1), 1)[0]!
    }) as [SimNode, SimNode, SimNode]
    const words = [liar, victim].map(({ core }) => core.view.self()) as [Heartbeat, Heartbeat]
    const lie = lieOf(this.#random, ...words, to.options.boot)
    this.#network.send(liar.id, to.id, lie)
  }

  #crash(diskLost: boolean): void {
    const alive = this.#open()
    if (alive.length > 0) this.#crashNode(this.#random.pick(alive), diskLost)
  }

  #crashNode(node: SimNode, diskLost: boolean): void {
    node.crash()
    this.#transcript.add(`${node.id} CRASH${diskLost ? ', disk lost' : ''}`)
    const i = Number(node.options.name.split('/')[1])
    const id = diskLost ? `${node.id}x` : node.id
    const disk = diskLost ? new Disk() : node.options.disk
    this.#agenda.after(this.#random.whole(0, RESTART_MS_MAX), () => this.#addNode(i, id, disk))
  }

  #addNode(i: number, id: NodeId, disk: Disk): void {
    const { types } = this.#scenario
    const random = this.#random
    const world = {
      agenda: this.#agenda,
      random,
      network: this.#network,
      scenario: this.#scenario
    }
    // The last node can run everything and never leaves, so that every task can settle.
    const all = i === this.#scenario.nodes - 1
    const skewMs = this.#skewMs(i)
    const start = disk.nextStart((EPOCH_MS + this.#agenda.now + skewMs) * 1000)
    const boot = bootId(id, start, random.whole(0, 36 ** 6 - 1))
    const isOlder = i < this.#scenario.older && !this.#upgraded.has(i)
    if (isOlder) this.#versions.note(boot)
    const options = {
      boot,
      skewMs,
      version: isOlder ? '0.0.0-older' : '0.0.0',
      read: isOlder ? (message: Message) => this.#versions.asRead(message) : null,
      name: `sim/${i}`,
      disk,
      labels: labelsOf(random, this.#scenario, all),
      slots: all ? 1 : random.whole(0, 2),
      handlers: all ? types : types.filter(() => random.chance(0.6))
    }
    const node = new SimNode(options, world, this)
    this.#nodes.push(node)
    node.start()
  }

  #skewMs(i: number): number {
    const { skewMsMax, wrongClocks } = this.#scenario
    if (i < wrongClocks) return this.#random.pick([-WRONG_MS, WRONG_MS])
    return skewMsMax > 0 ? this.#random.whole(-skewMsMax, skewMsMax) : 0
  }

  #submit(i: number): void {
    const random = this.#random
    const open = this.#open()
    if (open.length === 0) return
    const node = random.pick(open)
    const dependent = this.#submitted.length > 0 && random.chance(this.#scenario.dependent)
    const dependsOn = dependent
      ? Array.from({ length: random.whole(1, 3) }, () => random.pick(this.#submitted))
      : []
    const isKeyed = this.#scenario.keyed > 0 && random.chance(this.#scenario.keyed)
    const payload = isKeyed ? JSON.stringify({ i }) : node.content(JSON.stringify({ i }))
    // Who names a time goes by the right clock, if there is one.
    const isRight = this.#scenario.wrongClocks > 0
    const nowMs = isRight ? EPOCH_MS + this.#agenda.now : node.core.view.wallMs(node.now)
    const plain = draftOf(random, this.#scenario, payload, [...new Set(dependsOn)], nowMs)
    if (!isKeyed) {
      node.feed({ kind: 'submit', request: i, id: null, draft: plain, acks: null })
      return
    }
    const idempotencyKey = `key ${i}`
    const draft = { ...plain, payload: JSON.stringify({ i }), idempotencyKey }
    const id = simulatedKeyedId(idempotencyKey)
    const submit = (each: SimNode): void =>
      each.feed({ kind: 'submit', request: i, id, draft, acks: null })
    for (const each of open) submit(each)
    if (this.#scenario.again === 0 || !random.chance(this.#scenario.again)) return
    this.#agenda.after(random.whole(0, this.#scenario.busyMs), () => {
      const there = this.#open()
      if (there.length > 0) submit(random.pick(there))
    })
  }

  #cancel(): void {
    const nodes = this.#alive()
    if (nodes.length === 0 || this.#submitted.length === 0) return
    const taskId = this.#random.pick(this.#submitted)
    this.#random.pick(nodes).feed({ kind: 'cancel', taskId })
  }

  #leave(): void {
    const last = `sim/${this.#scenario.nodes - 1}`
    // One that leaves alone takes its disk with it: nothing to check.
    const open = this.#alive().filter(
      ({ options, core, now }) =>
        options.name !== last && core.view.members(now).some(({ linked }) => linked)
    )
    if (open.length > 0) this.#random.pick(open).feed({ kind: 'leave', abort: false })
  }

  #checkIdle(): void {
    this.#idle.check(this.#agenda.now)
    this.#agenda.after(CHECK_IDLE_MS, () => this.#checkIdle())
  }
}
