/**
 * What happened in a simulation, a line for each thing that matters: who did what, why, and when.
 */
import type { Effect } from '../core/effect.ts'
import type { Input } from '../core/input.ts'
import type { Message, NamedPool } from '../core/message.ts'
import { tasksOf, type Condition, type Waiting } from '../core/pending.ts'
import type { EventQueue } from './world/event-queue.ts'
import type { SimNode } from './world/sim-node.ts'

/** What a node waits for, at the end of a run that went wrong. More would hide what led to it. */
const WAITING_MAX = 12

export class Transcript {
  readonly lines: string[] = []
  readonly #eventQueue: EventQueue

  constructor(eventQueue: EventQueue) {
    this.#eventQueue = eventQueue
  }

  add(line: string): void {
    this.lines.push(`${String(this.#eventQueue.now).padStart(6)} ${line}`)
  }

  step(node: SimNode, input: Input, effects: readonly Effect[]): void {
    const cause = describeInput(input)
    const doings = effects.map(describeEffect).filter(text => text !== null)
    if (cause === null && doings.length === 0) return
    this.add(
      `${node.seat} ${cause ?? 'tick'}${doings.length > 0 ? ` => ${doings.join(', ')}` : ''}`
    )
  }

  /** What a node waits for now. Says nothing of one that waits for nothing. */
  waits({ seat, core }: Pick<SimNode, 'seat' | 'core'>): void {
    const all = Array.from(core.view.pending(), describeWaiting)
    if (all.length === 0) return
    const more = all.length > WAITING_MAX ? `, and ${all.length - WAITING_MAX} more` : ''
    this.add(`${seat} waits: ${all.slice(0, WAITING_MAX).join(', ')}${more}`)
  }
}

/** What is to be done, and what it waits for. */
function describeWaiting({ pending, until }: Waiting): string {
  const tasks = tasksOf(pending).map(short).join('+')
  const what = tasks === '' ? pending.kind : `${pending.kind} ${tasks}`
  return `${what} for ${describeCondition(until)}`
}

function describeCondition(until: Condition): string {
  switch (until.on) {
    case 'flush':
      return `flush ${until.flush}`
    case 'copies':
      return `copies of ${until.writes.map(({ origin, seq }) => `${origin.split('/')[0]} ${seq}`).join('+')}`
    case 'blob copies':
      return `copies of blob ${until.hash.slice(0, 4)}`
    case 'blobs':
      return `blob ${until.hashes.map(hash => hash.slice(0, 4)).join('+')}`
    case 'answers':
      return until.of === null ? 'answers' : `answers of ${until.of.join('+')}`
    case 'confirmation':
    case 'member':
    case 'slot':
      return until.on
  }
}

function describeInput(input: Input): string | null {
  switch (input.kind) {
    case 'tick':
      return null
    case 'message':
      return isChatter(input.message) ? null : `<${input.from} ${describe(input.message)}`
    case 'tail':
      return `tail ${short(input.taskId)} e${input.epoch}`
    case 'checkpoint':
      return `save ${short(input.taskId)} e${input.epoch} ${input.blob.hash.slice(0, 4)}`
    case 'completion':
      return `ran ${short(input.taskId)} e${input.epoch} ${input.run.status}`
    case 'link':
      return `${input.up ? 'linked' : 'unlinked'} ${input.peer}`
    case 'blob-kept':
      return `blob ${input.ref.hash.slice(0, 4)} kept`
    case 'blob-failed':
      return `blob ${input.hash.slice(0, 4)} ${input.why === 'nobody' ? 'nowhere' : 'no room'}`
    case 'blob-missing':
      return `blob ${input.hash.slice(0, 4)} missing`
    case 'persisted':
      return `disk ${input.flush}`
    case 'submit':
      return `submit ${input.draft.type} p${input.draft.priority}`
    case 'cancel':
    case 'find':
      return `${input.kind} ${input.taskId}`
    case 'labels':
      return `labels ${JSON.stringify(input.labels)}`
    case 'worker':
      return [
        'worker',
        `${input.slots} ${input.handlers.join('+')}`,
        ...(input.pools ?? []).map(poolText)
      ].join(' ')
    case 'sync-ended':
      return `sync ${input.peer} ${input.whole ? 'whole' : 'broken'}`
    case 'probed':
      return `probed ${input.boot.split('/')[0]} ${input.refused ? 'refused' : 'unclear'}`
    case 'met':
      return input.another ? 'met another' : 'met nobody'
    case 'disk':
      return `disk ${input.works ? 'works' : 'fails'}`
    case 'clock':
      return `clock ${input.aheadMs} ahead`
    case 'load':
      return `load ${describe(input.news)}`
    case 'watch':
    case 'turn':
    case 'wake':
    case 'addresses':
    case 'expect':
    case 'drain':
    case 'undrain':
    case 'forget':
    case 'leave':
      return input.kind
  }
}

function describeEffect(effect: Effect): string | null {
  switch (effect.kind) {
    case 'send':
      return isChatter(effect.message) ? null : `>${effect.to} ${describe(effect.message)}`
    case 'publish':
      return isChatter(effect.message) ? null : `publish ${describe(effect.message)}`
    case 'persist':
      return `write ${effect.flush.flush}`
    case 'sync':
      return `sync from ${effect.peer}`
    case 'probe':
      return `probe ${effect.peer}`
    case 'meet':
      return 'meet'
    case 'fetch-blob':
      return `fetch ${effect.ref.hash.slice(0, 4)} from ${effect.from.join('+')}`
    case 'drop-blob':
      return `drop ${effect.hash.slice(0, 4)}`
    case 'start':
      return `start ${short(effect.run.taskId)} e${effect.run.epoch}`
    case 'abort':
      return `abort ${short(effect.taskId)} e${effect.epoch}`
    case 'refused':
      return `refused, for ${short(effect.dependency)} may be forgotten`
    case 'accepted':
      return `accepted ${short(effect.taskId)} acks ${effect.acks}`
    case 'found':
      return `found ${short(effect.taskId)}`
    case 'saved':
      return effect.isTaken ? 'saved' : 'not saved'
    case 'loaded':
      return 'loaded'
    case 'settled':
      return `settled ${short(effect.taskId)}`
    case 'give-way':
      return `give way: ${effect.why}`
    case 'left':
      return 'left'
    case 'created':
    case 'notify':
    case 'turn':
    case 'wake':
      return null
  }
}

/** What is said again and again, and would hide everything else. */
function isChatter({ kind }: Message): boolean {
  return kind === 'heartbeat' || kind === 'counts'
}

function describe(message: Message): string {
  switch (message.kind) {
    case 'batch': {
      const { origin, after, writes, records, changes = [] } = message
      const tasks = records.length + changes.length
      return `batch ${origin.split('/')[0]} (${after}, ${after + writes.length}] of ${tasks}`
    }
    case 'steal':
      return `steal ${message.want}`
    case 'grant':
      return `grant ${message.records.map(({ spec }) => short(spec.id)).join('+') || 'nothing'}`
    case 'find':
    case 'found':
      return `${message.kind} ${message.ids.map(short).join('+')}`
    case 'pruned':
      return `pruned ${message.ids.map(short).join('+')}`
    case 'forgotten':
      return `forgotten ${message.spans
        .map(({ origin, after, upTo }) => `${origin.split('/')[0]} (${after}, ${upTo}]`)
        .join('+')}`
    case 'offer':
      return `offer ${message.blobs.map(({ hash }) => hash.slice(0, 4)).join('+')}`
    case 'kept':
      return `kept ${message.hashes.map(hash => hash.slice(0, 4)).join('+')}`
    case 'drain':
    case 'undrain':
    case 'replaced':
      return `${message.kind} ${message.boot}`
    case 'who':
      return `who ${message.boots.join()}`
    case 'introduction':
      return `introduction ${message.heartbeat.boot}`
    case 'heartbeat':
    case 'counts':
    case 'ack':
    case 'goodbye':
    case 'farewell':
    case 'sync':
      return message.kind
  }
}

/** Time and boot say little in a transcript; the sequence does. */
function short(id: string): string {
  return `${id.slice(-4)}:${Number.parseInt(id.slice(24, 28), 16)}`
}

function poolText({ name, slots, types }: NamedPool): string {
  return `${name}:${slots} ${types.join('+')}`
}
